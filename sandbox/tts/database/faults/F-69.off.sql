create index if not exists idx_billing_events_ledger_id on public.billing_events (ledger_id);
do $$
begin
  if exists (select 1 from pg_catalog.pg_attribute where attrelid = 'public.tasks'::regclass
             and attname = 'provider' and not attisdropped) then
    alter table public.tasks drop constraint if exists tasks_provider_check;
    alter table public.tasks add constraint tasks_provider_check check (provider in ('modal', 'qwen'));
    create index if not exists idx_tasks_provider_job_id
      on public.tasks (provider_job_id) where provider_job_id is not null;
  end if;
end
$$;
