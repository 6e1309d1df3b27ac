-- The schema as it was before the qwen provider: tables, indexes, triggers, row-level security and grants.

create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  handle text constraint profiles_handle_key unique,
  display_name text,
  avatar_url text,
  subscription_tier text not null default 'free',
  credits_remaining integer not null default 100,
  design_trials_remaining integer not null default 2
    constraint profiles_design_trials_remaining_check check (design_trials_remaining between 0 and 2),
  clone_trials_remaining integer not null default 2
    constraint profiles_clone_trials_remaining_check check (clone_trials_remaining between 0 and 2),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table public.voices (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  name text not null constraint voices_name_check check (char_length(name) between 1 and 100),
  reference_object_key text,
  reference_transcript text,
  description text,
  language text not null default 'Auto',
  source text not null constraint voices_source_check check (source in ('uploaded', 'designed')),
  created_at timestamptz not null default now()
);

create table public.generations (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  voice_id uuid references public.voices (id) on delete set null,
  text text not null,
  audio_object_key text,
  duration_seconds double precision,
  generation_time_seconds double precision,
  language text not null default 'Auto',
  status text not null default 'pending' constraint generations_status_check
    check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
  error_message text,
  created_at timestamptz not null default now(),
  completed_at timestamptz
);

create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  type text not null constraint tasks_type_check check (type in ('generate', 'design_preview', 'clone')),
  status text not null default 'pending' constraint tasks_status_check
    check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
  modal_job_id text,
  modal_poll_count integer not null default 0,
  generation_id uuid references public.generations (id) on delete set null,
  voice_id uuid references public.voices (id) on delete set null,
  metadata jsonb not null default '{}',
  result jsonb,
  error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  completed_at timestamptz
);

create table public.credit_ledger (
  id bigserial primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  event_kind text not null check (event_kind in ('debit', 'refund', 'grant', 'adjustment')),
  operation text not null check (operation in ('generate', 'design_preview', 'clone', 'monthly_allocation',
                                               'manual_adjustment', 'paid_purchase', 'paid_reversal')),
  amount integer not null check (amount > 0),
  signed_amount integer not null check (signed_amount <> 0),
  balance_after integer not null check (balance_after >= 0),
  reference_type text not null
    check (reference_type in ('task', 'generation', 'voice', 'profile', 'system', 'billing')),
  reference_id uuid,
  idempotency_key text not null check (char_length(idempotency_key) between 1 and 128),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz not null default now(),
  unique (user_id, idempotency_key)
);

create table public.trial_consumption (
  id bigserial primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  operation text not null check (operation in ('design_preview', 'clone')),
  reference_type text not null check (reference_type in ('task', 'voice')),
  reference_id uuid,
  idempotency_key text not null check (char_length(idempotency_key) between 1 and 128),
  status text not null default 'consumed' check (status in ('consumed', 'restored')),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  created_at timestamptz not null default now(),
  restored_at timestamptz,
  unique (user_id, idempotency_key)
);

create table public.billing_events (
  id bigserial primary key,
  provider text not null default 'stripe' check (provider = 'stripe'),
  provider_event_id text not null unique,
  event_type text not null,
  user_id uuid references auth.users (id) on delete set null,
  status text not null default 'received' check (status in ('received', 'processed', 'ignored', 'failed')),
  credits_granted integer,
  ledger_id bigint references public.credit_ledger (id) on delete set null,
  error_detail text,
  payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object'),
  created_at timestamptz not null default now(),
  processed_at timestamptz
);

create table public.rate_limit_counters (
  id bigserial primary key,
  actor_type text not null check (actor_type in ('user', 'ip')),
  actor_key text not null check (char_length(actor_key) between 1 and 128),
  tier text not null check (tier in ('tier1', 'tier2', 'tier3')),
  window_seconds integer not null check (window_seconds > 0),
  window_start timestamptz not null,
  request_count integer not null default 0 check (request_count >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (actor_type, actor_key, tier, window_seconds, window_start)
);

create index idx_voices_user_id_created on public.voices (user_id, created_at desc);
create index idx_generations_user_id_created on public.generations (user_id, created_at desc);
create index idx_generations_voice_id on public.generations (voice_id);
create index idx_tasks_user_id on public.tasks (user_id);
create index idx_tasks_generation_id on public.tasks (generation_id);
create index idx_tasks_voice_id on public.tasks (voice_id);
create index idx_tasks_modal_job_id on public.tasks (modal_job_id) where modal_job_id is not null;
create index idx_tasks_active on public.tasks (created_at) where status in ('pending', 'processing');
create unique index idx_tasks_generate_one_active_per_user on public.tasks (user_id)
  where type = 'generate' and status in ('pending', 'processing');
create index idx_credit_ledger_user_created on public.credit_ledger (user_id, created_at desc);
create index idx_credit_ledger_reference on public.credit_ledger (reference_type, reference_id);
create index idx_trial_consumption_user_operation on public.trial_consumption (user_id, operation, created_at desc);
create index idx_billing_events_user_created on public.billing_events (user_id, created_at desc);
-- F-69 begins
create index idx_billing_events_ledger_id on public.billing_events (ledger_id);
-- F-69 ends
create index idx_rate_limit_counters_window_start on public.rate_limit_counters (window_start);

create function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into public.profiles (id) values (new.id) on conflict (id) do nothing;
  return new;
end
$$;

create function public.set_updated_at() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  new.updated_at = now();
  return new;
end
$$;

create trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();
create trigger set_profiles_updated_at before update on public.profiles
  for each row execute function public.set_updated_at();
create trigger set_tasks_updated_at before update on public.tasks
  for each row execute function public.set_updated_at();

alter table public.profiles enable row level security;
alter table public.voices enable row level security;
alter table public.generations enable row level security;
alter table public.tasks enable row level security;
alter table public.credit_ledger enable row level security;
alter table public.trial_consumption enable row level security;
alter table public.billing_events enable row level security;
alter table public.rate_limit_counters enable row level security;

create policy "Users read their own profile" on public.profiles for select to authenticated
  using ((select auth.uid()) = id);
create policy "Users read their own voices" on public.voices for select to authenticated
  using ((select auth.uid()) = user_id);
create policy "Users delete their own voices" on public.voices for delete to authenticated
  using ((select auth.uid()) = user_id);
create policy "Users read their own generations" on public.generations for select to authenticated
  using ((select auth.uid()) = user_id);
create policy "Users delete their own generations" on public.generations for delete to authenticated
  using ((select auth.uid()) = user_id);
create policy "Users read their own tasks" on public.tasks for select to authenticated
  using ((select auth.uid()) = user_id);
create policy "Users read their own ledger" on public.credit_ledger for select to authenticated
  using ((select auth.uid()) = user_id);
create policy "Service role manages the ledger" on public.credit_ledger for all
  using ((select auth.role()) = 'service_role') with check ((select auth.role()) = 'service_role');
create policy "Service role manages trials" on public.trial_consumption for all
  using ((select auth.role()) = 'service_role') with check ((select auth.role()) = 'service_role');
create policy "Service role manages billing events" on public.billing_events for all
  using ((select auth.role()) = 'service_role') with check ((select auth.role()) = 'service_role');
create policy "Service role manages counters" on public.rate_limit_counters for all
  using ((select auth.role()) = 'service_role') with check ((select auth.role()) = 'service_role');

revoke all on all tables in schema public from anon, authenticated;
revoke all on all sequences in schema public from anon, authenticated;
grant all on all tables in schema public to service_role;
grant all on all sequences in schema public to service_role;
grant select on public.profiles, public.voices, public.generations, public.tasks to anon;
grant select, insert, delete on public.profiles to authenticated;
grant select, delete on public.voices, public.generations to authenticated;
grant select on public.tasks, public.credit_ledger to authenticated;

revoke execute on function public.handle_new_user() from public;
revoke execute on function public.set_updated_at() from public;
