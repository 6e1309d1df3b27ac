-- expect: REFUSES
alter table public.generations add column output_format text;
update public.generations set output_format = 'wav' where output_format is null;
alter table public.generations alter column output_format set not null;
