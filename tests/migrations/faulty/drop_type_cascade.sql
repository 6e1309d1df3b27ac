-- expect: LOSES
drop type if exists public.task_state cascade;
