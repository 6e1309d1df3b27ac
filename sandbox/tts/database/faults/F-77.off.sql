update storage.buckets set public = false;
drop policy if exists "Users do everything" on storage.objects;
