-- Object storage: buckets, objects and their bytes, with the policies of the TTS system (contract, section 5.7).

create table storage.buckets (
  id text primary key,
  name text not null unique,
  owner uuid,
  public boolean not null default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table storage.objects (
  id uuid primary key default gen_random_uuid(),
  bucket_id text not null references storage.buckets (id),
  name text not null,
  owner uuid,
  owner_id text,
  metadata jsonb not null default '{}',
  version text not null default gen_random_uuid()::text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  last_accessed_at timestamptz not null default now(),
  unique (bucket_id, name)
);

-- The bytes stand apart: policies decide who sees an object, and only the service itself touches its content.
create table storage.object_bytes (
  object_id uuid primary key references storage.objects (id) on delete cascade,
  content bytea not null
);

create function storage.foldername(name text) returns text[]
language sql immutable
as $$ select parts[1:cardinality(parts) - 1] from (select string_to_array(name, '/') as parts) as split $$;

create function storage.filename(name text) returns text
language sql immutable
as $$ select parts[cardinality(parts)] from (select string_to_array(name, '/') as parts) as split $$;

alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
grant all on storage.buckets, storage.objects to anon, authenticated, service_role;
grant all on storage.object_bytes to service_role;

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
  ('references', 'references', false, 10485760,
   array['audio/wav', 'audio/x-wav', 'audio/mpeg', 'audio/mp4', 'audio/m4a']),
  ('generations', 'generations', false, null, null);

create policy "Users read their own references" on storage.objects for select to authenticated
  using (bucket_id = 'references' and (storage.foldername(name))[1] = (select auth.uid())::text);

create policy "Users read their own generations" on storage.objects for select to authenticated
  using (bucket_id = 'generations' and (storage.foldername(name))[1] = (select auth.uid())::text);

create policy "Users upload their own references" on storage.objects for insert to authenticated
  with check (bucket_id = 'references' and (storage.foldername(name))[1] = (select auth.uid())::text);
