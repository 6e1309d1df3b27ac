-- expect: BLOCKS
alter table public.generations add column trace_id uuid not null default gen_random_uuid();
