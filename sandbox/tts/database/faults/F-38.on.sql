-- Nothing keeps a user from having several generates at work.
drop index if exists public.idx_tasks_generate_one_active_per_user;
