"""Sixty leaks, ten a schema, each one change to a schema that is correct; and twelve schemas that are correct.

They were written down before the oracle was first run. *where* names the objects of which at least one has to be told
as leaking; a leak that is told of something else only does not count.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Leak:
    schema: str
    name: str
    where: tuple[str, ...]
    change: str


@dataclass(frozen=True)
class Correct:
    schema: str
    name: str
    change: str = ""


LEAKS = (
    # --- notes
    Leak("notes", "row security is off", ("public.notes",), "alter table public.notes disable row level security"),
    Leak("notes", "everybody who is signed in reads", ("public.notes",),
         "create policy more on public.notes for select to authenticated using (auth.uid() is not null)"),
    Leak("notes", "a row may be given away", ("public.notes",),
         """drop policy own_all on public.notes;
            create policy r on public.notes for select to authenticated using (auth.uid() = user_id or pinned = null);
            create policy i on public.notes for insert to authenticated with check (auth.uid() = user_id);
            create policy u on public.notes for update to authenticated using (auth.uid() = user_id) with check (true);
            create policy d on public.notes for delete to authenticated using (auth.uid() = user_id)"""),
    Leak("notes", "a view reads as its owner", ("public.my_notes",),
         "alter view public.my_notes reset (security_invoker)"),
    Leak("notes", "a search forgets the owner", ("public.search_notes",),
         """create or replace function public.search_notes(q text) returns setof public.notes
            language sql stable security definer set search_path = ''
            as $$ select * from public.notes where title ilike '%' || q || '%' $$"""),
    Leak("notes", "attachments are made for others", ("public.attachments",),
         """drop policy own_make on public.attachments;
            create policy own_make on public.attachments for insert to authenticated with check (size_bytes > 0)"""),
    Leak("notes", "a claim that users edit themselves opens profiles", ("public.profiles",),
         """create policy staff on public.profiles for select to authenticated
            using ((auth.jwt() -> 'user_metadata' ->> 'role') = 'staff')"""),
    Leak("notes", "a materialised view keeps all titles", ("public.note_index",),
         """create materialized view public.note_index as select id, to_tsvector('simple', title) as words from public.notes;
            grant select on public.note_index to authenticated"""),
    Leak("notes", "removed rows are copied to where all read", ("public.removed_notes",),
         """alter table public.removed_notes drop column user_id cascade;
            create or replace function public.keep_removed() returns trigger
            language plpgsql security definer set search_path = ''
            as $$ begin insert into public.removed_notes (id, title) values (old.id, old.title); return old; end $$;
            create policy reading on public.removed_notes for select to authenticated using (true)"""),
    Leak("notes", "a count tells how much others have", ("public.count_notes",),
         """create function public.count_notes(p_user uuid default null) returns bigint
            language sql stable security definer set search_path = ''
            as $$ select count(*) from public.notes where user_id = coalesce(p_user, auth.uid()) $$;
            revoke execute on function public.count_notes(uuid) from public;
            grant execute on function public.count_notes(uuid) to authenticated"""),
    # --- tenants
    Leak("tenants", "no setting means all tenants", ("public.accounts",),
         """drop policy tenant_only on public.accounts;
            create policy tenant_only on public.accounts to app_user
            using (coalesce(tenant_id = public.tenant(), true)) with check (tenant_id = public.tenant())"""),
    Leak("tenants", "a partition can be read by itself", ("public.events_now",),
         "alter table public.events_now disable row level security"),
    Leak("tenants", "all invoices can be emptied", ("public.invoices",),
         "grant truncate on public.invoices to app_user"),
    Leak("tenants", "payments are made for other tenants", ("public.payments",),
         "alter policy tenant_only on public.payments with check (cents > 0)"),
    Leak("tenants", "a second policy shows what is open", ("public.invoices",),
         """create policy shown on public.invoices for select to app_user using (status <> 'paid');
            create policy narrow on public.invoices as restrictive for update to app_user using (true)"""),
    Leak("tenants", "the caller owns the table", ("public.settings",),
         "alter table public.settings owner to app_user"),
    Leak("tenants", "rows that cannot be read can be deleted", ("public.payments",),
         """drop policy tenant_only on public.payments;
            create policy r on public.payments for select to app_user using (tenant_id = public.tenant());
            create policy d on public.payments for delete to app_user using (true)"""),
    Leak("tenants", "a function pays for everybody", ("public.pay_invoice",),
         """create or replace function public.pay_invoice(p_invoice bigint) returns boolean
            language plpgsql security definer set search_path = ''
            as $$ begin update public.invoices set status = 'paid' where id = p_invoice; return true; end $$"""),
    Leak("tenants", "numbers can be set back", ("public.accounts_id_seq",),
         "grant all on sequence public.accounts_id_seq to app_user"),
    Leak("tenants", "a sum runs over all tenants", ("public.revenue",),
         """create view public.revenue with (security_barrier) as
              select status, sum(amount) as total from public.invoices group by status;
            grant select on public.revenue to app_user"""),
    # --- teams
    Leak("teams", "or is not null", ("public.messages",),
         """alter policy taking_part on public.messages
            using (current_user in (sender, recipient) or recipient is not null)"""),
    Leak("teams", "an heir of a table is open", ("public.inventory_archive",),
         """grant select on public.inventory_archive to team_red, team_blue;
            alter table public.inventory_archive disable row level security"""),
    Leak("teams", "a function reads anybody's ledger", ("public.ledger_of",),
         """create function public.ledger_of(p_owner name, p_limit integer default 10)
            returns table (entry text, note text) language plpgsql stable security definer set search_path = ''
            as $$ begin
              return query select l.entry_id, l.memo from public.ledger l where l.owner = p_owner limit p_limit;
            end $$"""),
    Leak("teams", "a view of the auditor", ("public.audited",),
         """create view public.audited as select entry_id, memo from public.ledger;
            alter view public.audited owner to team_auditor;
            grant select on public.audited to team_blue"""),
    Leak("teams", "an entry changes hands", ("public.ledger",),
         """drop policy own on public.ledger;
            create policy r on public.ledger for select using (owner = current_user);
            create policy i on public.ledger for insert with check (owner = current_user);
            create policy u on public.ledger for update using (owner = current_user) with check (memo is not null)"""),
    Leak("teams", "a view lost its filter", ("public.my_ledger",),
         """create or replace view public.my_ledger with (security_barrier) as
            select entry_id, memo, cents from public.ledger"""),
    Leak("teams", "a message is sent in another's name", ("public.messages",),
         "alter policy as_sender on public.messages with check (current_user in (sender, recipient))"),
    Leak("teams", "blind updates of all entries", ("public.ledger",),
         "create policy fix on public.ledger for update using (cents <> 0) with check (true)"),
    Leak("teams", "documents are overwritten through an upsert", ("public.documents",),
         """drop policy own on public.documents;
            create policy r on public.documents for select using (true);
            create policy i on public.documents for insert with check (owner = current_user);
            create policy u on public.documents for update using (true) with check (owner = current_user);
            revoke select on public.documents from team_red, team_blue;
            grant select (id) on public.documents to team_red, team_blue"""),
    Leak("teams", "a view renames anybody's document", ("public.desk",),
         """create or replace view public.desk with (security_barrier) as
              select id, owner, title from public.documents where owner = current_user or current_user like 'team%';
            revoke select on public.desk from team_red, team_blue;
            grant select (id), update (title) on public.desk to team_red, team_blue"""),
    # --- shop
    Leak("shop", "the helper of a policy asks only whether the order is there", ("public.order_items",),
         """create function public.order_exists(p_order uuid) returns boolean
            language sql stable security definer set search_path = ''
            as $$ select exists (select 1 from public.orders where id = p_order) $$;
            create policy more on public.order_items for select to authenticated using (public.order_exists(order_id))"""),
    Leak("shop", "a policy compares a column with itself", ("public.orders",),
         """drop policy own on public.orders;
            create policy own on public.orders to authenticated using (exists (
              select 1 from public.customers c where customer_id = customer_id and c.auth_id = auth.uid()))"""),
    Leak("shop", "items are added to orders of others", ("public.order_items",),
         """drop policy own on public.order_items;
            create policy r on public.order_items for select to authenticated using (public.owns_order(order_id));
            create policy i on public.order_items for insert to authenticated with check (order_id is not null)"""),
    Leak("shop", "an item is moved to another's order", ("public.order_items",),
         """drop policy own on public.order_items;
            create policy r on public.order_items for select to authenticated
              using (public.owns_order(order_id) or amount < 0);
            create policy i on public.order_items for insert to authenticated with check (public.owns_order(order_id));
            create policy u on public.order_items for update to authenticated
              using (public.owns_order(order_id)) with check (true)"""),
    Leak("shop", "addresses are open to everybody", ("public.shipments",),
         """alter table public.shipments disable row level security; grant select on public.shipments to anon"""),
    Leak("shop", "a summary reads as its owner", ("public.order_summary",),
         "alter view public.order_summary set (security_invoker = false)"),
    Leak("shop", "customers delete any order", ("public.orders",),
         """drop policy own on public.orders;
            create policy r on public.orders for select to authenticated using (exists (
              select 1 from public.customers c where c.id = customer_id and c.auth_id = auth.uid()));
            create policy d on public.orders for delete to authenticated using (exists (
              select 1 from public.customers c where c.auth_id = auth.uid()))"""),
    Leak("shop", "a total is told to anybody", ("public.order_total",),
         "alter function public.order_total(uuid) security definer"),
    Leak("shop", "prices can be changed", ("public.products",),
         """grant update (price) on public.products to authenticated;
            create policy mend on public.products for update to authenticated using (price >= 0)"""),
    Leak("shop", "the latest order of all is handed out", ("public.latest_order",),
         """create function public.latest_order() returns public.orders
            language sql stable security definer set search_path = ''
            as $$ select * from public.orders order by placed_at desc limit 1 $$;
            revoke execute on function public.latest_order() from public;
            grant execute on function public.latest_order() to authenticated"""),
    # --- sharing
    Leak("sharing", "viewers write", ("public.documents",),
         """alter policy writing on public.documents using (public.may_read(id))
            with check (public.may_read(id) and (owner_id = auth.uid() or not public.owns(id)))"""),
    Leak("sharing", "anybody makes herself a member", ("public.memberships",),
         "create policy joined on public.memberships for insert to authenticated with check (user_id = auth.uid())"),
    Leak("sharing", "a member raises his own role", ("public.memberships",),
         """create policy self on public.memberships for update to authenticated
            using (user_id = auth.uid()) with check (user_id = auth.uid())"""),
    Leak("sharing", "invitations of documents one is no member of", ("public.invites",),
         """create policy shown on public.invites for select to authenticated
            using (exists (select 1 from public.memberships m where m.user_id = auth.uid()))"""),
    Leak("sharing", "comments of all documents", ("public.comments",),
         "create policy all_of_them on public.comments for select to authenticated using (body <> '')"),
    Leak("sharing", "a parameter hides a column", ("public.documents",),
         """create or replace function public.may_read(p_document uuid) returns boolean
            language plpgsql stable security definer set search_path = ''
            as $$ declare document_id uuid := p_document; begin
              return public.owns(p_document) or exists (
                select 1 from public.memberships m where may_read.p_document = p_document and m.user_id = auth.uid());
            end $$"""),
    Leak("sharing", "a link flag that is never null", ("public.documents",),
         """create policy linked on public.documents for select to authenticated
            using (by_link is not null and auth.uid() is not null)"""),
    Leak("sharing", "comments on documents one cannot read", ("public.comments",),
         "create policy free on public.comments for insert to authenticated with check (author_id = auth.uid())"),
    Leak("sharing", "anybody shares any document", ("public.share",),
         """create or replace function public.share(p_document uuid, p_user uuid, p_role public.member_role)
            returns void language sql security definer set search_path = ''
            as $$ insert into public.memberships values (p_document, p_user, p_role)
                  on conflict (document_id, user_id) do update set role = excluded.role $$"""),
    Leak("sharing", "paths of all folders", ("public.document_paths",),
         "alter view public.document_paths reset (security_invoker)"),
    # --- columns
    Leak("columns", "all columns are granted", ("public.profiles",),
         "grant select on public.profiles to authenticated"),
    Leak("columns", "a public view tells the address", ("public.public_profiles",),
         """drop view public.public_profiles;
            create view public.public_profiles as select user_id, handle, display_name, upper(email) as contact
              from public.profiles;
            grant select on public.public_profiles to anon, authenticated"""),
    Leak("columns", "users make themselves administrators", ("public.profiles",),
         "grant update (is_admin) on public.profiles to authenticated"),
    Leak("columns", "drafts are public", ("public.posts",),
         "alter policy published on public.posts using (published is not null)"),
    Leak("columns", "a profile by its handle, with everything", ("public.profile_by_handle",),
         """create function public.profile_by_handle(p_handle text) returns setof public.profiles
            language sql stable security definer set search_path = ''
            as $$ select * from public.profiles where handle = p_handle $$;
            revoke execute on function public.profile_by_handle(text) from public;
            grant execute on function public.profile_by_handle(text) to authenticated"""),
    Leak("columns", "new profiles bring their own credits", ("public.profiles",),
         "grant insert on public.profiles to authenticated"),
    Leak("columns", "keys are dropped through a view", ("public.my_keys",),
         """alter view public.my_keys reset (security_invoker);
            revoke select on public.my_keys from authenticated;
            grant delete on public.my_keys to authenticated"""),
    Leak("columns", "remarks are shown in the feed", ("public.post_feed",),
         """create or replace view public.post_feed as
            select id, author_id, title, coalesce(nullif(body, ''), title) || coalesce(remarks, '') as body
            from public.posts where published"""),
    Leak("columns", "an export of everything as one document", ("public.export_posts",),
         """create or replace function public.export_posts() returns json
            language sql stable security definer set search_path = ''
            as $$ select coalesce(json_agg(json_build_object('id', p.id, 'title', p.title, 'body', p.body)), '[]')
                  from public.posts p where p.author_id = auth.uid() or p.published is false $$"""),
    Leak("columns", "a hash of every address", ("public.gravatars",),
         """create view public.gravatars as select handle, md5(lower(email)) as picture from public.profiles;
            grant select on public.gravatars to anon, authenticated"""),
)  # fmt: skip

CORRECT = (
    Correct("notes", "as it is"),
    Correct("notes", "with forced and restrictive policies, an owner set by a trigger, a closed materialised view",
            """alter table public.notes force row level security;
               create policy only_own on public.notes as restrictive to authenticated
                 using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
               create policy wide on public.notes for select to authenticated using (true);
               create function public.set_owner() returns trigger language plpgsql set search_path = ''
                 as $$ begin new.user_id := auth.uid(); return new; end $$;
               create trigger set_owner before insert on public.attachments
                 for each row execute function public.set_owner();
               drop policy own_make on public.attachments;
               create policy own_make on public.attachments for insert to authenticated with check (
                 user_id = auth.uid() and exists (select 1 from public.notes n where n.id = note_id));
               create materialized view public.note_index as select id, title from public.notes;
               revoke execute on function public.set_owner() from public;
               alter function public.search_notes(text) security invoker"""),
    Correct("tenants", "as it is"),
    Correct("tenants", "with forced policies, granted columns, a filtered view, closed partitions",
            """alter table public.invoices force row level security;
               revoke insert, update on public.accounts, public.payments from app_user;
               grant insert (tenant_id, label, iban), update (label, iban) on public.accounts to app_user;
               grant insert (tenant_id, invoice_id, reference, cents) on public.payments to app_user;
               revoke all on public.events_past, public.events_now from app_user;
               alter table public.events_past disable row level security;
               alter table public.events_now disable row level security;
               create view public.revenue with (security_barrier) as
                 select status, sum(amount) as total from public.invoices where tenant_id = public.tenant()
                 group by status;
               grant select on public.revenue to app_user"""),
    Correct("teams", "as it is"),
    Correct("teams", "with a check constraint as the guard, an heir read through its parent, a filtering function",
            """alter table public.ledger drop column memo cascade;
               alter table public.ledger add column memo text;
               create policy more on public.ledger for insert with check (true);
               create function public.guard() returns trigger language plpgsql set search_path = ''
                 as $$ begin
                   if new.owner <> current_user and not pg_has_role(current_user, 'pg_database_owner', 'member') then
                     raise exception 'not yours';
                   end if;
                   return new;
                 end $$;
               create trigger guard before insert on public.ledger for each row execute function public.guard();
               create function public.mine() returns setof public.documents language sql stable set search_path = ''
                 as $$ select * from public.documents $$;
               alter table public.messages add constraint apart check (sender is not null and body <> '')"""),
    Correct("shop", "as it is"),
    Correct("shop", "with policies that lean on the policies of the parent, and a trigger as the guard",
            """drop policy own on public.order_items;
               create policy own on public.order_items to authenticated
                 using (exists (select 1 from public.orders o where o.id = order_id));
               drop policy own_make on public.shipments;
               create policy own_make on public.shipments for insert to authenticated with check (true);
               create function public.guard() returns trigger language plpgsql security definer set search_path = ''
                 as $$ begin
                   if current_setting('request.jwt.claims', true) <> '' and not public.owns_order(new.order_id) then
                     raise exception 'not your order';
                   end if;
                   return new;
                 end $$;
               create trigger guard before insert on public.shipments for each row execute function public.guard();
               revoke execute on function public.guard() from public"""),
    Correct("sharing", "as it is"),
    Correct("sharing", "with a function that lists what one may read, and comments that everybody who reads may count",
            """create function public.readable() returns setof public.documents
               language sql stable security definer set search_path = ''
               as $$ select * from public.documents d where public.may_read(d.id) $$;
               create function public.count_comments(p_document uuid) returns bigint
               language sql stable security definer set search_path = ''
               as $$ select count(*) from public.comments c
                     where c.document_id = p_document and public.may_read(p_document) $$;
               revoke execute on function public.readable(), public.count_comments(uuid) from public;
               grant execute on function public.readable(), public.count_comments(uuid) to authenticated"""),
    Correct("columns", "as it is"),
    Correct("columns", "with a function over public columns and keys without any direct grant",
            """create function public.find_profile(p_handle text)
               returns table (user_id uuid, handle text, display_name text)
               language sql stable security definer set search_path = ''
               as $$ select p.user_id, p.handle, p.display_name from public.profiles p where p.handle = p_handle $$;
               revoke execute on function public.find_profile(text) from public;
               grant execute on function public.find_profile(text) to anon, authenticated;
               revoke all on public.api_keys from authenticated;
               drop view public.my_keys;
               create view public.my_keys with (security_barrier) as
                 select id, prefix from public.api_keys where user_id = auth.uid();
               grant select, delete on public.my_keys to authenticated"""),
)  # fmt: skip
