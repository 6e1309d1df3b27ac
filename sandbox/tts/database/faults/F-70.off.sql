drop policy if exists "Everyone reads voices" on public.voices;
drop policy if exists "Everyone reads tasks" on public.tasks;
drop policy if exists "Everyone writes voices" on public.voices;
revoke insert, update, delete on public.voices from anon, authenticated;
grant delete on public.voices to authenticated;
