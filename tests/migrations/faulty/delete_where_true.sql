-- expect: ALTERS
with gone as (
  delete from public.tasks where 1 = 1 returning id
)
select count(*) from gone;
