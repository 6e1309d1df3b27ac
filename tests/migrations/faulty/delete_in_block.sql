-- expect: ALTERS
do $$
begin
  if exists (select 1 from public.voices) then
    delete from public.voices v using public.profiles p where p.id = v.user_id and p.handle is null;
  end if;
end
$$;
