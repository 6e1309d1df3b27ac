-- expect: LOSES
drop table if exists public.billing_events cascade;
