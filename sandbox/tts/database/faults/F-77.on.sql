-- Public buckets, and every signed-in user does everything with every object.
update storage.buckets set public = true;
create policy "Users do everything" on storage.objects for all to authenticated using (true) with check (true);
