-- One of the new checks, one of the new indexes and the index of a foreign key are missing.
alter table public.tasks drop constraint if exists tasks_provider_check;
drop index if exists public.idx_tasks_provider_job_id;
drop index if exists public.idx_billing_events_ledger_id;
