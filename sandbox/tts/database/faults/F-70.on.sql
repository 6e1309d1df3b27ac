-- Everyone reads every voice and task, and may write voices.
drop policy if exists "Everyone reads voices" on public.voices;
drop policy if exists "Everyone reads tasks" on public.tasks;
drop policy if exists "Everyone writes voices" on public.voices;
create policy "Everyone reads voices" on public.voices for select using (true);
create policy "Everyone reads tasks" on public.tasks for select using (true);
create policy "Everyone writes voices" on public.voices for all using (true) with check (true);
grant insert, update, delete on public.voices to anon, authenticated;
