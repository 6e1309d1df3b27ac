-- A column that the old build reads has another name. The new build does not read it, so nothing else shows.
-- Only where the new columns are: it goes with their migration.
do $$
begin
  if exists (select 1 from pg_catalog.pg_attribute where attrelid = 'public.generations'::regclass
             and attname = 'tts_provider' and not attisdropped)
     and exists (select 1 from pg_catalog.pg_attribute where attrelid = 'public.generations'::regclass
                 and attname = 'duration_seconds' and not attisdropped) then
    alter table public.generations rename column duration_seconds to length_seconds;
  end if;
end
$$;
