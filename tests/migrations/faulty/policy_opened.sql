-- expect: OPENS
drop policy if exists "Users read their own voices" on public.voices;
create policy "Users read their own voices" on public.voices for select to authenticated using (true);
