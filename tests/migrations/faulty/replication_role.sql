-- expect: REFUSES
set session_replication_role = replica;
alter table public.tasks add column if not exists note text;
set session_replication_role = default;
