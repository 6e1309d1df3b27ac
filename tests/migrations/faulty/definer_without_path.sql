-- expect: OPENS
create or replace function public.credit_balance(p_user_id uuid) returns integer
language sql security definer
as $$ select credits_remaining from public.profiles where id = p_user_id $$;
revoke execute on function public.credit_balance(uuid) from public, anon, authenticated;
