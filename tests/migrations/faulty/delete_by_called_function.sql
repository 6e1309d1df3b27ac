-- expect: ALTERS
create or replace function public.tidy() returns void language plpgsql set search_path = '' as $$
begin
  delete from public.tasks where status = 'failed';
end
$$;
select public.tidy();
drop function public.tidy();
