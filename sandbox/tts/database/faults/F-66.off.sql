do $$
begin
  if exists (select 1 from pg_catalog.pg_attribute where attrelid = 'public.voices'::regclass
             and attname = 'tts_provider' and not attisdropped) then
    alter table public.voices alter column tts_provider set default 'modal';
  end if;
end
$$;
