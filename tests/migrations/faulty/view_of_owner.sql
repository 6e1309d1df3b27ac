-- expect: OPENS
create or replace view public.voice_overview as
  select v.id, v.name, p.handle from public.voices v join public.profiles p on p.id = v.user_id;
