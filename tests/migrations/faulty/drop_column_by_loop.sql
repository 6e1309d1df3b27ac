-- expect: LOSES
do $$
declare
  col text;
begin
  foreach col in array array['modal_job_id', 'modal_poll_count'] loop
    execute format('alter table public.tasks drop column %I', col);
  end loop;
end
$$;
