-- The functions of the base schema. All run with the rights of their owner and an empty search path, and only the
-- service role may execute them. Invalid arguments raise 22023.

create function public.increment_task_modal_poll_count(p_task_id uuid, p_user_id uuid) returns integer
language plpgsql security definer set search_path = ''
as $$
declare
  v_count integer;
begin
  update public.tasks set modal_poll_count = modal_poll_count + 1
  where id = p_task_id and user_id = p_user_id
  returning modal_poll_count into v_count;
  return v_count;
end
$$;

create function public.credit_apply_event(
  p_user_id uuid, p_event_kind text, p_operation text, p_amount integer, p_reference_type text,
  p_reference_id uuid default null, p_idempotency_key text default null, p_metadata jsonb default '{}'
) returns table (applied boolean, duplicate boolean, insufficient boolean, balance_remaining integer,
                 ledger_id bigint, signed_amount integer, event_kind text)
language plpgsql security definer set search_path = ''
as $$
declare
  v_key text := coalesce(p_idempotency_key, gen_random_uuid()::text);
  v_known public.credit_ledger;
begin
  if p_user_id is null or coalesce(p_amount, 0) < 1
     or p_event_kind is null or p_event_kind not in ('debit', 'refund', 'grant', 'adjustment')
     or p_operation is null or p_operation not in ('generate', 'design_preview', 'clone', 'monthly_allocation',
                                                   'manual_adjustment', 'paid_purchase', 'paid_reversal')
     or p_reference_type is null
     or p_reference_type not in ('task', 'generation', 'voice', 'profile', 'system', 'billing')
     or char_length(v_key) not between 1 and 128
     or jsonb_typeof(coalesce(p_metadata, '{}')) <> 'object' then
    raise exception 'Invalid credit event arguments' using errcode = '22023';
  end if;

  insert into public.profiles (id) values (p_user_id) on conflict (id) do nothing;
  select credits_remaining into balance_remaining from public.profiles where id = p_user_id for update;
  event_kind := p_event_kind;

  select * into v_known from public.credit_ledger as l where l.user_id = p_user_id and l.idempotency_key = v_key;
  if found then
    applied := false; duplicate := true; insufficient := false;
    balance_remaining := v_known.balance_after; ledger_id := v_known.id;
    signed_amount := v_known.signed_amount; event_kind := v_known.event_kind;
    return next;
    return;
  end if;

  signed_amount := case when p_event_kind = 'debit' then -p_amount else p_amount end;
  if balance_remaining + signed_amount < 0 then
    applied := false; duplicate := false; insufficient := true;
    return next;
    return;
  end if;

  balance_remaining := balance_remaining + signed_amount;
  update public.profiles set credits_remaining = balance_remaining where id = p_user_id;
  insert into public.credit_ledger (user_id, event_kind, operation, amount, signed_amount, balance_after,
                                    reference_type, reference_id, idempotency_key, metadata)
  values (p_user_id, p_event_kind, p_operation, p_amount, credit_apply_event.signed_amount, balance_remaining,
          p_reference_type, p_reference_id, v_key, coalesce(p_metadata, '{}'))
  returning id into ledger_id;
  applied := true; duplicate := false; insufficient := false;
  return next;
end
$$;

create function public.credit_usage_window_totals(p_user_id uuid, p_since timestamptz default null)
returns table (total_debited bigint, total_credited bigint, net_signed bigint)
language sql stable security definer set search_path = ''
as $$
  select coalesce(sum(-l.signed_amount) filter (where l.signed_amount < 0), 0),
         coalesce(sum(l.signed_amount) filter (where l.signed_amount > 0), 0),
         coalesce(sum(l.signed_amount), 0)
  from public.credit_ledger as l
  where l.user_id = p_user_id and (p_since is null or l.created_at >= p_since)
$$;

create function public.trial_restore(
  p_user_id uuid, p_operation text, p_idempotency_key text, p_metadata jsonb default '{}'
) returns table (restored boolean, already_restored boolean, trial_id bigint, trials_remaining integer)
language plpgsql security definer set search_path = ''
as $$
declare
  v_status text;
begin
  if p_user_id is null or p_operation is null or p_operation not in ('design_preview', 'clone')
     or p_idempotency_key is null or char_length(p_idempotency_key) not between 1 and 128
     or jsonb_typeof(coalesce(p_metadata, '{}')) <> 'object' then
    raise exception 'Invalid trial arguments' using errcode = '22023';
  end if;

  perform 1 from public.profiles where id = p_user_id for update;
  select t.id, t.status into trial_id, v_status from public.trial_consumption as t
  where t.user_id = p_user_id and t.operation = p_operation and t.idempotency_key = p_idempotency_key;
  restored := false;
  already_restored := coalesce(v_status = 'restored', false);
  if v_status is distinct from 'consumed' then
    return next;
    return;
  end if;

  update public.trial_consumption as t
  set status = 'restored', restored_at = now(), metadata = t.metadata || coalesce(p_metadata, '{}')
  where t.id = trial_restore.trial_id;
  update public.profiles set
    design_trials_remaining = case when p_operation = 'design_preview'
      then least(2, design_trials_remaining + 1) else design_trials_remaining end,
    clone_trials_remaining = case when p_operation = 'clone'
      then least(2, clone_trials_remaining + 1) else clone_trials_remaining end
  where id = p_user_id
  returning case when p_operation = 'clone' then clone_trials_remaining else design_trials_remaining end
  into trials_remaining;
  restored := true;
  return next;
end
$$;
