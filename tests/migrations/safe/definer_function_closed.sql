create or replace function public.voice_count(p_user_id uuid) returns bigint
language sql stable security definer set search_path = ''
as $$ select count(*) from public.voices where user_id = p_user_id $$;
revoke all on function public.voice_count(uuid) from public, anon, authenticated;
grant execute on function public.voice_count(uuid) to service_role;
