-- expect: LOSES
drop index if exists public.idx_tasks_generate_one_active_per_user;
create index idx_tasks_generate_active on public.tasks (user_id, provider);
