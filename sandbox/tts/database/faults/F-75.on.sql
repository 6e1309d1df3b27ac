-- Users change their own profile as they like, and make voices that point at any object.
create policy "Users change their own profile" on public.profiles for update to authenticated
  using ((select auth.uid()) = id) with check ((select auth.uid()) = id);
create policy "Users make their own voices" on public.voices for insert to authenticated
  with check ((select auth.uid()) = user_id);
grant update on public.profiles to authenticated;
grant insert on public.voices to authenticated;
