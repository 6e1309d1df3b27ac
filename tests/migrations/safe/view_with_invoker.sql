create or replace view public.active_voices with (security_invoker = true) as
  select id, user_id, name from public.voices;
grant select on public.active_voices to authenticated;
