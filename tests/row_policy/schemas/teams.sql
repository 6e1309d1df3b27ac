-- A database role a team: policies ask for current_user. Text keys, inheritance, bytea, an INSTEAD OF trigger.
create domain public.sku as text check (value ~ '^[A-Z]{3}-[0-9]{3,12}$');
create table public.ledger (
  entry_id text primary key,
  owner name not null default current_user,
  memo text,
  cents integer not null default 1 check (cents <> 0)
);
create table public.messages (
  id uuid primary key default gen_random_uuid(),
  sender name not null,
  recipient name not null,
  body text not null,
  sent timestamptz not null default now()
);
create table public.inventory (code public.sku not null, owner name not null, amount smallint not null default 1);
create table public.inventory_archive (archived date not null default current_date) inherits (public.inventory);
create table public.documents (
  id integer primary key,
  owner name not null,
  title char(20),
  content bytea not null,
  labels text[] not null default '{}'
);
create table public.rates (currency char(3) primary key, rate numeric not null);

alter table public.ledger enable row level security;
alter table public.messages enable row level security;
alter table public.inventory enable row level security;
alter table public.inventory_archive enable row level security;
alter table public.documents enable row level security;
create policy own on public.ledger using (owner = current_user);
create policy taking_part on public.messages for select using (current_user in (sender, recipient));
create policy as_sender on public.messages for insert with check (sender = current_user);
create policy own on public.inventory using (owner = current_user);
create policy own on public.inventory_archive using (owner = current_user);
create policy own on public.documents using (owner = current_user) with check (owner = current_user);
create policy audit on public.ledger for select to team_auditor using (true);

create view public.my_ledger with (security_barrier) as
  select entry_id, memo, cents from public.ledger where owner = current_user;
create view public.desk with (security_barrier) as
  select id, owner, title from public.documents where owner = current_user;
create function public.rename_document() returns trigger language plpgsql security definer set search_path = ''
as $$ begin
  -- The owner of the view is asked by the definer; who calls is told by the row that the view let through.
  update public.documents set title = new.title where id = old.id and owner = old.owner;
  return new;
end $$;
create trigger rename_document instead of update on public.desk
  for each row execute function public.rename_document();
revoke execute on function public.rename_document() from public;
create function public.balance() returns bigint language sql stable set search_path = ''
as $$ select coalesce(sum(cents), 0) from public.ledger $$;

grant usage on schema public to team_red, team_blue, team_auditor;
grant select, insert, update, delete on public.ledger, public.documents to team_red, team_blue;
grant select, insert on public.messages to team_red, team_blue;
grant select on public.inventory, public.rates to team_red, team_blue;
grant select on public.my_ledger to team_red, team_blue;
grant select, update (title) on public.desk to team_red, team_blue;
grant select on public.ledger to team_auditor;
revoke execute on function public.balance() from public;
grant execute on function public.balance() to team_red, team_blue;
insert into public.rates values ('EUR', 1), ('USD', 1.1);
