create table public.plans (code text primary key, characters integer not null);
alter table public.plans enable row level security;
create policy "plans can be read" on public.plans for select to anon, authenticated using (true);
insert into public.plans (code, characters) values ('free', 100), ('pro', 150000) on conflict (code) do nothing;
