-- Rows from before are written over: the language of each voice, and its provider, which was modal.
do $$
begin
  if exists (select 1 from pg_catalog.pg_attribute where attrelid = 'public.voices'::regclass
             and attname = 'tts_provider' and not attisdropped) then
    update public.voices set language = language || ' (old)', tts_provider = 'qwen'
    where tts_provider = 'modal' and created_at < now();
  end if;
end
$$;
