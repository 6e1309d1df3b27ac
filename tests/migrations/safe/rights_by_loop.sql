do $$
declare
  t text;
begin
  foreach t in array array['voices', 'tasks'] loop
    execute format('alter table public.%I enable row level security', t);
    execute format('revoke truncate on public.%I from anon', t);
  end loop;
end
$$;
