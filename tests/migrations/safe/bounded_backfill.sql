alter table public.tasks add column if not exists provider text;
update public.tasks set provider = 'modal' where provider is null;
alter table public.tasks alter column provider set default 'modal';
