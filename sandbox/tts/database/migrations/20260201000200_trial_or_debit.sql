-- Takes a free trial if one is left, else debits the flat price. A key that was used before, for a trial or for a
-- debit, takes nothing again. A file of its own: fault F-63 takes the marked part out.

create or replace function public.trial_or_debit(
  p_user_id uuid, p_operation text, p_debit_amount integer, p_reference_type text, p_reference_id uuid,
  p_idempotency_key text, p_metadata jsonb default '{}'
) returns table (used_trial boolean, duplicate boolean, insufficient boolean, balance_remaining integer,
                 ledger_id bigint, trial_id bigint)
language plpgsql security definer set search_path = ''
as $$
declare
  v_left integer;
begin
  if p_user_id is null or p_operation is null or p_operation not in ('design_preview', 'clone')
     or p_debit_amount is distinct from (case p_operation when 'clone' then 1000 else 5000 end)
     or p_reference_type is null or p_reference_type not in ('task', 'voice')
     or p_idempotency_key is null or char_length(p_idempotency_key) not between 1 and 128
     or jsonb_typeof(coalesce(p_metadata, '{}')) <> 'object' then
    raise exception 'Invalid trial or debit arguments' using errcode = '22023';
  end if;

  insert into public.profiles (id) values (p_user_id) on conflict (id) do nothing;
  select case when p_operation = 'clone' then clone_trials_remaining else design_trials_remaining end,
         credits_remaining
  into v_left, balance_remaining from public.profiles where id = p_user_id for update;
  insufficient := false;

  select t.id into trial_id from public.trial_consumption as t
  where t.user_id = p_user_id and t.idempotency_key = p_idempotency_key;
  if found then
    used_trial := true; duplicate := true;
    return next;
    return;
  end if;

  -- F-63 begins
  select l.id into ledger_id from public.credit_ledger as l
  where l.user_id = p_user_id and l.idempotency_key = p_idempotency_key;
  if found then
    used_trial := false; duplicate := true;
    return next;
    return;
  end if;
  -- F-63 ends

  if v_left > 0 then
    update public.profiles set
      clone_trials_remaining = clone_trials_remaining - (p_operation = 'clone')::integer,
      design_trials_remaining = design_trials_remaining - (p_operation = 'design_preview')::integer
    where id = p_user_id;
    insert into public.trial_consumption (user_id, operation, reference_type, reference_id, idempotency_key, metadata)
    values (p_user_id, p_operation, p_reference_type, p_reference_id, p_idempotency_key, coalesce(p_metadata, '{}'))
    returning id into trial_id;
    used_trial := true; duplicate := false;
    return next;
    return;
  end if;

  used_trial := false;
  select event.duplicate, event.insufficient, event.balance_remaining, event.ledger_id
  into duplicate, insufficient, balance_remaining, ledger_id
  from public.credit_apply_event(p_user_id, 'debit', p_operation, p_debit_amount, p_reference_type, p_reference_id,
                                 p_idempotency_key, p_metadata) as event;
  return next;
end
$$;
