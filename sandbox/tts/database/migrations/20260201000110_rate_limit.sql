-- Counts a call in its fixed window. A file of its own: fault F-80 takes the marked part out.

create or replace function public.rate_limit_check_and_increment(
  p_actor_type text, p_actor_key text, p_tier text, p_limit integer, p_window_seconds integer,
  p_now timestamptz default now()
) returns table (allowed boolean, current_count integer, limit_value integer, retry_after_seconds integer)
language plpgsql security definer set search_path = ''
as $$
declare
  v_start timestamptz;
  v_count integer;
begin
  if p_actor_type is null or p_actor_type not in ('user', 'ip')
     or p_actor_key is null or char_length(p_actor_key) not between 1 and 128
     or p_tier is null or p_tier not in ('tier1', 'tier2', 'tier3')
     or coalesce(p_limit, 0) < 1 or coalesce(p_window_seconds, 0) < 1 or p_now is null then
    raise exception 'Invalid rate limit arguments' using errcode = '22023';
  end if;
  v_start := to_timestamp(floor(extract(epoch from p_now) / p_window_seconds) * p_window_seconds);

  insert into public.rate_limit_counters as counter
    (actor_type, actor_key, tier, window_seconds, window_start, request_count)
  values (p_actor_type, p_actor_key, p_tier, p_window_seconds, v_start, 1)
  on conflict (actor_type, actor_key, tier, window_seconds, window_start)
  do update set request_count = counter.request_count + 1, updated_at = now()
  returning counter.request_count into v_count;

  -- F-80 begins
  if v_count = 1 then
    -- The first call of a window clears what ended an hour ago; rows that another call clears are left to it.
    delete from public.rate_limit_counters where id in (
      select old.id from public.rate_limit_counters as old
      where old.window_start < p_now - interval '1 hour'
        and old.window_start + make_interval(secs => old.window_seconds) < p_now - interval '1 hour'
      limit 500 for update skip locked);
  end if;
  -- F-80 ends

  allowed := v_count <= p_limit;
  current_count := v_count;
  limit_value := p_limit;
  retry_after_seconds := case when allowed then 0 else
    greatest(1, ceil(extract(epoch from v_start) + p_window_seconds - extract(epoch from p_now))::integer) end;
  return next;
end
$$;
