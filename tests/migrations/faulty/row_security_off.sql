-- expect: OPENS
alter table public.credit_ledger disable row level security;
