-- expect: LOSES
alter table public.generations alter column duration_seconds type numeric(10, 2) using round(duration_seconds::numeric, 2);
