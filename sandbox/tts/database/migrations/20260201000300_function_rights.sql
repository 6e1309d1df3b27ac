-- Only the service role executes functions; what is new in Postgres is open to everyone until it is closed.

do $$
declare
  v_function regprocedure;
begin
  for v_function in select oid::regprocedure from pg_catalog.pg_proc
                    where pronamespace = 'public'::regnamespace and prorettype <> 'trigger'::regtype loop
    execute format('revoke execute on function %s from public, anon, authenticated', v_function);
    execute format('grant execute on function %s to service_role', v_function);
  end loop;
end
$$;
