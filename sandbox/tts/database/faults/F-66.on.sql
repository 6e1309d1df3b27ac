-- The provider of a voice has no default, so writes that do not know the column fail.
do $$
begin
  if exists (select 1 from pg_catalog.pg_attribute where attrelid = 'public.voices'::regclass
             and attname = 'tts_provider' and not attisdropped) then
    alter table public.voices alter column tts_provider drop default;
  end if;
end
$$;
