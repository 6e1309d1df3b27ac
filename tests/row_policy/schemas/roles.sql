-- Roles belong to the whole cluster, so each is made only once.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role', 'app_user', 'app_service',
                                'team_red', 'team_blue', 'team_auditor'] loop
    if not exists (select 1 from pg_roles where rolname = wanted) then
      execute format('create role %I nologin', wanted);
    end if;
  end loop;
end
$$;
alter role service_role bypassrls;
alter role app_service bypassrls;
