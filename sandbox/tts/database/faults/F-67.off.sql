do $$
begin
  if exists (select 1 from pg_catalog.pg_attribute where attrelid = 'public.generations'::regclass
             and attname = 'length_seconds' and not attisdropped) then
    alter table public.generations rename column length_seconds to duration_seconds;
  end if;
end
$$;
