-- expect: ALTERS
alter table public.voices add column if not exists engine text;
update public.voices set engine = 'modal';
