-- expect: OPENS
create policy "Support reads voices" on public.voices for select
  using ((select auth.uid()) = user_id or deleted_at is null);
