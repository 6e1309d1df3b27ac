-- expect: OPENS
drop policy "Users read their own tasks" on public.tasks;
