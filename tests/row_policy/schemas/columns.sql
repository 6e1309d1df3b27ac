-- Public profiles with private columns, posts that are public once published, keys of which only a part is shown.
create table public.profiles (
  user_id uuid primary key references auth.users (id) on delete cascade,
  handle text not null unique check (handle ~ '^[a-z0-9_]{3,30}$'),
  display_name text,
  email text not null,
  phone text,
  is_admin boolean not null default false,
  credits integer not null default 100
);
create table public.posts (
  id uuid primary key default gen_random_uuid(),
  author_id uuid not null references public.profiles (user_id) on delete cascade,
  title text not null,
  body text not null,
  remarks text,
  published boolean not null default false
);
create table public.api_keys (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references public.profiles (user_id) on delete cascade,
  prefix varchar(8) not null,
  digest text not null,
  uses bigint not null default 0
);

create view public.public_profiles as select user_id, handle, display_name from public.profiles;
create view public.post_feed as select id, author_id, title, body from public.posts where published;
create view public.my_keys with (security_invoker = true) as select id, prefix from public.api_keys;
create function public.my_profile() returns public.profiles language sql stable security definer set search_path = ''
as $$ select * from public.profiles where user_id = auth.uid() $$;
create function public.export_posts() returns json language sql stable set search_path = ''
as $$ select coalesce(json_agg(json_build_object('id', p.id, 'title', p.title, 'body', p.body)), '[]')
      from public.posts p where p.author_id = auth.uid() $$;

alter table public.profiles enable row level security;
alter table public.posts enable row level security;
alter table public.api_keys enable row level security;
create policy everybody on public.profiles for select to anon, authenticated using (true);
create policy own_make on public.profiles for insert to authenticated with check (user_id = auth.uid());
create policy own_change on public.profiles for update to authenticated
  using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy published on public.posts for select to anon, authenticated using (published);
create policy own_read on public.posts for select to authenticated using (author_id = auth.uid());
create policy own_make on public.posts for insert to authenticated with check (author_id = auth.uid());
create policy own_change on public.posts for update to authenticated using (author_id = auth.uid());
create policy own_drop on public.posts for delete to authenticated using (author_id = auth.uid());
create policy own on public.api_keys to authenticated
  using (user_id = auth.uid()) with check (user_id = auth.uid());

grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to service_role;
grant select (user_id, handle, display_name) on public.profiles to anon, authenticated;
grant insert (user_id, handle, display_name, email, phone), update (handle, display_name, phone) on public.profiles
  to authenticated;
grant select (id, author_id, title, body, published) on public.posts to anon, authenticated;
grant insert (author_id, title, body, remarks, published), update (title, body, remarks, published), delete
  on public.posts to authenticated;
grant select (id, user_id, prefix), delete on public.api_keys to authenticated;
grant select on public.public_profiles, public.post_feed to anon, authenticated;
grant select on public.my_keys to authenticated;
revoke execute on all functions in schema public from public;
grant execute on function public.my_profile(), public.export_posts() to authenticated;
