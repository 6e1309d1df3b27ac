
-- No guard: each run counts up again.
update public.generations
set provider_metadata = jsonb_build_object('runs', coalesce((provider_metadata ->> 'runs')::integer, 0) + 1)
where status is not null;
