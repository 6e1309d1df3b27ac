alter table public.voices add column if not exists touched_at timestamptz default now();
create or replace function public.touch_voice() returns trigger language plpgsql set search_path = '' as $$
begin
  new.touched_at := now();
  return new;
end $$;
drop trigger if exists touch_voice on public.voices;
create trigger touch_voice before update on public.voices for each row execute function public.touch_voice();
