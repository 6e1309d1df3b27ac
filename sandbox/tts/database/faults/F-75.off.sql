drop policy if exists "Users change their own profile" on public.profiles;
drop policy if exists "Users make their own voices" on public.voices;
revoke update on public.profiles from authenticated;
revoke insert on public.voices from authenticated;
