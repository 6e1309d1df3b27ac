-- What the index would not have let in is ended first, the newest of each user excepted.
update public.tasks as t set status = 'failed', provider_status = 'failed'
  where t.type = 'generate' and t.status in ('pending', 'processing') and exists (
    select 1 from public.tasks as other
    where other.user_id = t.user_id and other.type = 'generate' and other.status in ('pending', 'processing')
      and (other.created_at, other.id) > (t.created_at, t.id));
create unique index if not exists idx_tasks_generate_one_active_per_user on public.tasks (user_id)
  where type = 'generate' and status in ('pending', 'processing');
