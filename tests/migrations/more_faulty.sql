alter table voices drop constraint if exists voices_name_check;
--
update public.profiles set credits_remaining = 100 where credits_remaining < 100;
--
update voices set description = null where description = '';
--
delete from public.rate_limit_counters;
--
alter table public.voices rename to voices_v1; create table public.voices (like public.voices_v1 including all);
--
alter table public.tasks alter column modal_poll_count type bigint;
--
alter table public.tasks alter column error set not null;
--
alter table public.voices add column region text default null not null;
--
alter table public.voices no force row level security;
--
create policy "anon read" on public.generations for select to anon using (true);
--
create policy p on public.voices as permissive for insert to authenticated with check (true);
--
create policy p on public.tasks for update to authenticated using (auth.uid() = user_id) with check (true);
--
create policy p on public.tasks for select using (auth.role() = 'authenticated');
--
create policy p on public.tasks for select using (auth.uid() is not null);
--
grant execute on function public.credit_apply_event(uuid,text,text,integer,text,uuid,text,jsonb) to authenticated;
--
grant usage on schema auth to anon; grant select on auth.users to authenticated;
--
grant truncate on public.voices to authenticated;
--
grant service_role to authenticated;
--
alter role anon bypassrls;
--
alter function public.set_updated_at() reset search_path;
--
alter function public.trial_restore(uuid,text,text,jsonb) security definer;
--
create materialized view public.voice_stats as select user_id, count(*) from public.voices group by 1;
--
create view public.v with (security_invoker=false) as select * from public.tasks;
--
alter table public.tasks disable trigger user;
--
alter table public.tasks disable trigger set_tasks_updated_at;
--
select set_config('session_replication_role','replica',true);
--
create table public.notes (id int primary key, user_id uuid, body text);
--
create table public.backup_voices as select * from public.voices;
--
create function public.admin_list() returns setof public.profiles language sql security definer set search_path='' as $$ select * from public.profiles $$;
--
insert into storage.buckets (id,name,public) values ('avatars','avatars',true);
--
update storage.buckets set public = true where id = 'references';
--
create policy "read" on storage.objects for select using (bucket_id = 'references');
--
drop index concurrently if exists public.idx_tasks_modal_job_id;
--
alter type public.x rename value 'a' to 'b';
--
alter table public.tasks set schema archive;
--
do $$ begin execute 'trunc' || 'ate public.tasks'; end $$;
--
do $$ declare r record; begin for r in select policyname, tablename from pg_policies where schemaname='public' loop execute format('drop policy if exists %I on public.%I', r.policyname, r.tablename); end loop; end $$;
--
alter table public.voices add constraint voices_user_name_key unique (user_id, name);
--
alter table public.generations alter column language drop default;
--
alter table public.voices add column seq bigserial;
--
create unique index voices_name_uq on public.voices (name);
--
lock table public.tasks in access exclusive mode; alter table public.tasks add column if not exists y text;
--
alter table public.tasks alter column provider_status type varchar(20);
--
alter publication supabase_realtime drop table public.tasks;
--
drop extension if exists pgcrypto cascade;
--
alter table public.tasks owner to authenticated;
--
insert into public.profiles (id, credits_remaining) select id, 0 from public.profiles on conflict (id) do update set credits_remaining = 0;
--
alter table public.voices drop column provider_region, add column provider_region text;
--
create or replace function public.wipe() returns void language plpgsql as $$ begin execute 'delete from public.tasks'; end $$; do $$ begin perform public.wipe(); end $$;
--
revoke select on public.voices from authenticated, service_role;
--
grant all privileges on all functions in schema public to anon, authenticated;
--
grant insert on public.tasks to public;
--
alter table public.tasks add constraint c check (status <> 'x');
--
create rule no_del as on delete to public.voices do instead nothing;
--
vacuum full public.voices;
--
alter table public.voices alter column created_at set default '2020-01-01';
--
alter view public.v set (security_invoker = off);
--
alter default privileges in schema public grant execute on functions to anon;
--
comment on table public.voices is 'x'; update public.voices set language = coalesce(language, 'Auto') where true;
--
alter table public.voices drop constraint voices_source_check, add constraint voices_source_check2 check (source in ('uploaded','designed','imported')) not valid;
--
alter table public.profiles alter column credits_remaining set default 0;
--
alter role authenticator set pgrst.db_schemas = 'public, auth';
--
insert into storage.buckets (id, name) values ('references', 'references') on conflict (id) do update set public = true;
--
create table public.chat (id uuid primary key, body text); alter table public.chat enable row level security; create policy chat_write on public.chat for insert to authenticated with check (auth.role() = 'authenticated');
--
select setval('public.credit_ledger_id_seq', 1, false);
--
drop type if exists public.task_state cascade; create type public.task_state as enum ('a');
--
drop function if exists public.handle_new_user() cascade; create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$ begin return new; end $$;
--
alter table public.tasks drop constraint tasks_status_check; alter table public.tasks add constraint tasks_status_check check (status in ('pending', 'completed')) not valid;
