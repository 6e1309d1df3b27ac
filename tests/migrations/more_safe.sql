alter table public.voices add column if not exists archived boolean not null default false;
--
alter table if exists public.tasks add column if not exists attempts int default 0 not null, add column if not exists last_error_at timestamptz;
--
create table if not exists public.webhooks (id uuid primary key default gen_random_uuid(), user_id uuid not null references auth.users(id) on delete cascade, url text not null, created_at timestamptz not null default now()); alter table public.webhooks enable row level security; create policy webhooks_own on public.webhooks for select to authenticated using ((select auth.uid()) = user_id); create policy webhooks_service on public.webhooks for all to service_role using (true) with check (true); grant select on public.webhooks to authenticated; grant all on public.webhooks to service_role;
--
do $$ begin if not exists (select 1 from pg_type where typname='voice_kind') then create type public.voice_kind as enum ('vc','vd'); end if; end $$;
--
do $$ begin alter table public.voices add constraint voices_kind2 check (provider_voice_kind in ('vc','vd')) not valid; exception when duplicate_object then null; end $$;
--
create index concurrently if not exists i on public.tasks (user_id, created_at desc);
--
create index if not exists i2 on public.tasks (status);
--
alter table public.generations add column if not exists engine text; update public.generations set engine = tts_provider where engine is null and tts_provider is not null; alter table public.generations alter column engine set default 'modal'; alter table public.generations alter column engine set not null;
--
create or replace function public.my_voices() returns setof public.voices language sql stable security invoker set search_path = '' as $$ select * from public.voices where user_id = auth.uid() $$; grant execute on function public.my_voices() to authenticated;
--
create or replace function public.my_voice_count() returns bigint language sql stable security definer set search_path = '' as $$ select count(*) from public.voices where user_id = auth.uid() $$; revoke all on function public.my_voice_count() from public, anon; grant execute on function public.my_voice_count() to authenticated;
--
insert into public.plans (code) values ('x') on conflict do nothing;
--
insert into storage.buckets (id, name, public) values ('exports','exports',false) on conflict (id) do nothing; drop policy if exists "exports own" on storage.objects; create policy "exports own" on storage.objects for select to authenticated using (bucket_id = 'exports' and (storage.foldername(name))[1] = (select auth.uid())::text);
--
create extension if not exists pg_trgm with schema extensions;
--
set statement_timeout='5min'; set lock_timeout='3s'; alter table public.voices add column x text; reset lock_timeout;
--
alter table public.voices add column y int; alter table public.voices add constraint y_pos check (y is null or y >= 0) not valid; alter table public.voices validate constraint y_pos;
--
revoke all on all functions in schema public from anon; alter default privileges in schema public revoke execute on functions from public;
--
create schema if not exists private; create table private.audit (id bigint generated always as identity primary key, at timestamptz default now(), what jsonb); revoke all on schema private from public;
--
create trigger audit_x after insert on public.voices for each row execute function public.set_updated_at();
--
alter table public.tasks alter column metadata set statistics 200; analyze public.tasks;
--
create sequence if not exists public.invoice_seq; alter table public.billing_events add column if not exists invoice_no bigint;
--
alter table public.generations add column if not exists expires_at timestamptz default now();
--
alter type public.task_state add value 'x';
--
with c as (select id from public.voices where locale is null limit 10) update public.voices v set locale='en' from c where c.id=v.id;
--
create policy "own update" on public.voices for update to authenticated using (auth.uid() = user_id) with check (auth.uid() = user_id);
--
notify pgrst, 'reload schema';
--
select pg_notify('pgrst','reload schema');
--
alter table public.voices replica identity full;
--
create or replace view public.public_stats with (security_invoker=on) as select count(*) from public.voices;
--
create table public.events (id bigint, at timestamptz not null) partition by range (at); alter table public.events enable row level security; create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01'); alter table public.events_2026 enable row level security;
--
select setval('public.credit_ledger_id_seq', (select coalesce(max(id), 1) from public.credit_ledger));
--
alter table public.tasks drop constraint if exists tasks_status_check; alter table public.tasks add constraint tasks_status_check check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled', 'paused'));
--
drop type if exists public.mood; create type public.mood as enum ('calm');
--
drop function if exists public.label_of(uuid); create function public.label_of(p_id uuid) returns text language sql stable set search_path = '' as $$ select name from public.voices where id = p_id $$;
