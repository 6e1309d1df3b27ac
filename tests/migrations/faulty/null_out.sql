-- expect: ALTERS
alter table public.tasks add column provider_job_id text;
update public.tasks set provider_job_id = modal_job_id, modal_job_id = null where modal_job_id is not null;
