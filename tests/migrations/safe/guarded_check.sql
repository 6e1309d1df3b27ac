do $$
begin
  if not exists (select 1 from pg_constraint where conname = 'voices_kind_check' and conrelid = 'public.voices'::regclass) then
    alter table public.voices add column if not exists kind text;
    alter table public.voices add constraint voices_kind_check check (kind is null or kind in ('vc', 'vd'));
  end if;
end
$$;
