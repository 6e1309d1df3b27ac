create table public.import_rows (id bigint generated always as identity primary key, body jsonb);
alter table public.import_rows enable row level security;
revoke all on public.import_rows from anon, authenticated;
insert into public.import_rows (body) values ('{}');
delete from public.import_rows;
truncate public.import_rows;
alter table public.import_rows drop column body;
drop table public.import_rows;
