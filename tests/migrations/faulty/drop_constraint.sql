-- expect: LOSES
alter table public.tasks drop constraint tasks_status_check;
