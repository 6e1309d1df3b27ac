create or replace function public.set_updated_at() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  new.updated_at = now();
  return new;
end
$$;
comment on function public.set_updated_at() is 'keeps updated_at';
