-- expect: OPENS
create policy "Admins read all" on public.profiles for select to authenticated
  using ((auth.jwt() -> 'user_metadata' ->> 'role') = 'admin');
