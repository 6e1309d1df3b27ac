-- Accounts of a hosted platform, own rows by the caller's id, a journal written by a trigger.
create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  handle text unique,
  display_name text,
  tier text not null default 'free' check (tier in ('free', 'pro')),
  created_at timestamptz not null default now()
);
create table public.notes (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  title text not null check (char_length(title) between 1 and 80),
  body text,
  pinned boolean not null default false,
  created_at timestamptz not null default now()
);
create table public.attachments (
  id bigint generated always as identity primary key,
  note_id uuid not null references public.notes (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  path text not null unique check (path like '%/%'),
  size_bytes integer not null check (size_bytes > 0 and size_bytes <= 10485760)
);
create table public.tags (id serial primary key, label text not null unique);
create table public.journal (
  id bigserial primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  action text not null,
  detail text,
  at timestamptz not null default now()
);
create table public.removed_notes (id uuid primary key, user_id uuid, title text, removed_at timestamptz default now());

create function public.new_profile() returns trigger language plpgsql security definer set search_path = ''
as $$ begin insert into public.profiles (id) values (new.id) on conflict do nothing; return new; end $$;
create trigger new_profile after insert on auth.users for each row execute function public.new_profile();
create function public.write_journal() returns trigger language plpgsql security definer set search_path = ''
as $$ begin
  insert into public.journal (user_id, action, detail) values (new.user_id, tg_op, new.title);
  return new;
end $$;
create trigger write_journal after insert or update on public.notes
  for each row execute function public.write_journal();
create function public.keep_removed() returns trigger language plpgsql security definer set search_path = ''
as $$ begin
  insert into public.removed_notes (id, user_id, title) values (old.id, old.user_id, old.title);
  return old;
end $$;
create trigger keep_removed after delete on public.notes for each row execute function public.keep_removed();
revoke execute on function public.new_profile(), public.write_journal(), public.keep_removed() from public;

create view public.my_notes with (security_invoker = true) as
  select id, title, body, created_at from public.notes;
create function public.search_notes(q text) returns setof public.notes
language sql stable security definer set search_path = ''
as $$ select * from public.notes where user_id = auth.uid() and title ilike '%' || q || '%' $$;
revoke execute on function public.search_notes(text) from public;

alter table public.profiles enable row level security;
alter table public.notes enable row level security;
alter table public.attachments enable row level security;
alter table public.tags enable row level security;
alter table public.journal enable row level security;
alter table public.removed_notes enable row level security;
create policy own_read on public.profiles for select to authenticated using ((select auth.uid()) = id);
create policy own_change on public.profiles for update to authenticated using ((select auth.uid()) = id);
create policy own_all on public.notes for all to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create policy own_read on public.attachments for select to authenticated using ((select auth.uid()) = user_id);
create policy own_make on public.attachments for insert to authenticated
  with check ((select auth.uid()) = user_id and exists (select 1 from public.notes n where n.id = note_id));
create policy own_drop on public.attachments for delete to authenticated using ((select auth.uid()) = user_id);
create policy readable on public.tags for select to authenticated using (true);
create policy own_read on public.journal for select to authenticated using ((select auth.uid()) = user_id);
create policy own_read on public.removed_notes for select to authenticated using ((select auth.uid()) = user_id);

grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to service_role;
grant all on all sequences in schema public to service_role;
grant select, update (handle, display_name) on public.profiles to authenticated;
grant select, insert, update, delete on public.notes to authenticated;
grant select, insert, delete on public.attachments to authenticated;
grant select on public.tags, public.journal, public.removed_notes, public.my_notes to authenticated;
grant execute on function public.search_notes(text) to authenticated;
