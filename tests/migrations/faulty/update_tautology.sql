-- expect: ALTERS
alter table public.tasks add column provider text;
update public.tasks set provider = 'modal' where id is not null;
