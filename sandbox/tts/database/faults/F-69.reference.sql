-- The real build lacks the index of one foreign key, and nothing else of what this fault takes away.
drop index if exists public.idx_billing_events_ledger_id;
