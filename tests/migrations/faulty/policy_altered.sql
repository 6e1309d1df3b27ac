-- expect: OPENS
alter policy "Users read their own generations" on public.generations to public using (status = 'completed');
