-- expect: OPENS
grant select, insert on table public.voices to anon;
