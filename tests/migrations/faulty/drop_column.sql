-- expect: LOSES
alter table public.tasks drop column if exists modal_job_id;
