-- Documents that are shared by memberships with roles, invitations, comments, a tree of folders.
create type public.member_role as enum ('viewer', 'editor');
create table public.folders (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null references auth.users (id) on delete cascade,
  parent_id uuid references public.folders (id) on delete cascade,
  title text not null
);
create table public.documents (
  id uuid primary key default gen_random_uuid(),
  owner_id uuid not null references auth.users (id) on delete cascade,
  folder_id uuid references public.folders (id) on delete set null,
  title text not null,
  content text,
  by_link boolean not null default false
);
create table public.memberships (
  document_id uuid not null references public.documents (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role public.member_role not null default 'viewer',
  primary key (document_id, user_id)
);
create table public.invites (
  id uuid primary key default gen_random_uuid(),
  document_id uuid not null references public.documents (id) on delete cascade,
  email text not null check (email like '%@%'),
  secret text not null unique
);
create table public.comments (
  id bigint generated always as identity primary key,
  document_id uuid not null references public.documents (id) on delete cascade,
  author_id uuid not null references auth.users (id) on delete cascade,
  body text not null check (body <> '')
);

create function public.owns(p_document uuid) returns boolean language sql stable security definer set search_path = ''
as $$ select exists (select 1 from public.documents d where d.id = p_document and d.owner_id = auth.uid()) $$;
create function public.may_read(p_document uuid) returns boolean language sql stable security definer set search_path = ''
as $$ select public.owns(p_document) or exists (
  select 1 from public.memberships m where m.document_id = p_document and m.user_id = auth.uid()) $$;
create function public.may_write(p_document uuid) returns boolean language sql stable security definer set search_path = ''
as $$ select public.owns(p_document) or exists (
  select 1 from public.memberships m
  where m.document_id = p_document and m.user_id = auth.uid() and m.role = 'editor') $$;
create function public.share(p_document uuid, p_user uuid, p_role public.member_role) returns void
language plpgsql security definer set search_path = ''
as $$ begin
  if not public.owns(p_document) then
    raise exception 'not found' using errcode = 'P0002';
  end if;
  insert into public.memberships values (p_document, p_user, p_role)
  on conflict (document_id, user_id) do update set role = excluded.role;
end $$;
create view public.document_paths with (security_invoker = true) as
  with recursive up as (
    select id, parent_id, title as path from public.folders where parent_id is null
    union all
    select f.id, f.parent_id, up.path || '/' || f.title from public.folders f join up on f.parent_id = up.id
  ) select d.id, up.path, d.title from public.documents d join up on up.id = d.folder_id;

alter table public.folders enable row level security;
alter table public.documents enable row level security;
alter table public.memberships enable row level security;
alter table public.invites enable row level security;
alter table public.comments enable row level security;
create policy own on public.folders to authenticated
  using (owner_id = auth.uid()) with check (owner_id = auth.uid());
create policy reading on public.documents for select to authenticated
  using (owner_id = auth.uid() or public.may_read(id));
create policy making on public.documents for insert to authenticated with check (owner_id = auth.uid());
create policy writing on public.documents for update to authenticated using (public.may_write(id))
  with check (public.may_write(id) and (owner_id = auth.uid() or not public.owns(id)));
create policy removing on public.documents for delete to authenticated using (owner_id = auth.uid());
create policy mine on public.memberships for select to authenticated
  using (user_id = auth.uid() or public.owns(document_id));
create policy given on public.memberships for insert to authenticated with check (public.owns(document_id));
create policy changed on public.memberships for update to authenticated
  using (public.owns(document_id)) with check (public.owns(document_id));
create policy taken on public.memberships for delete to authenticated
  using (public.owns(document_id) or user_id = auth.uid());
create policy of_the_owner on public.invites to authenticated
  using (public.owns(document_id)) with check (public.owns(document_id));
create policy read_with on public.comments for select to authenticated using (public.may_read(document_id));
create policy write_with on public.comments for insert to authenticated
  with check (author_id = auth.uid() and public.may_read(document_id));
create policy mend on public.comments for update to authenticated
  using (author_id = auth.uid()) with check (author_id = auth.uid() and public.may_read(document_id));
create policy drop_own on public.comments for delete to authenticated using (author_id = auth.uid());
-- Nobody hands a document to somebody else.
create function public.keep_owner() returns trigger language plpgsql set search_path = ''
as $$ begin
  if new.owner_id is distinct from old.owner_id then
    raise exception 'the owner stays' using errcode = '42501';
  end if;
  return new;
end $$;
create trigger keep_owner before update on public.documents for each row execute function public.keep_owner();

grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to service_role;
grant all on all sequences in schema public to service_role;
grant select, insert, update, delete on public.folders, public.documents, public.memberships, public.invites,
  public.comments to authenticated;
grant select on public.document_paths to authenticated;
revoke execute on all functions in schema public from public;
grant execute on function public.owns(uuid), public.may_read(uuid), public.may_write(uuid),
  public.share(uuid, uuid, public.member_role) to authenticated;
