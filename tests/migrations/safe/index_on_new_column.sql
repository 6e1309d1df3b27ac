alter table public.tasks add column if not exists provider_job_id text;
create index if not exists idx_tasks_provider_job_id on public.tasks (provider_job_id) where provider_job_id is not null;
