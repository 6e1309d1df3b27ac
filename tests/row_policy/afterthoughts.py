"""Leaks and correct schemas that were thought of when the oracle was done, and run once before it was touched again.

Of the 25 leaks 24 were found then, and one of the 6 correct schemas raised an alarm. They are kept as tests since.
"""

from __future__ import annotations

from tests.row_policy.planted import Correct, Leak

LATER_LEAKS = (
    Leak("notes", "a document of all titles, shortened and hashed", ("public.all_titles",),
         """create function public.all_titles() returns jsonb language sql stable security definer set search_path='' as $$ select jsonb_object_agg(substr(md5(id::text),1,6), left(title,4)) from public.notes $$"""),
    Leak("notes", "a statement is put together from what the caller says", ("public.find_note",),
         """create function public.find_note(q text) returns setof text language plpgsql stable security definer set search_path='' as $$ begin return query execute 'select title from public.notes where user_id = auth.uid() and title = ''' || q || '''';
           end $$;
           grant execute on function public.find_note(text) to authenticated"""),
    Leak("notes", "long titles are shown", ("public.notes",),
         """create policy e on public.notes for select to authenticated using (length(title) > 3)"""),
    Leak("notes", "attachments of others are deleted", ("public.attachments",),
         """drop policy own_drop on public.attachments;
           create policy own_drop on public.attachments for delete to authenticated using (size_bytes > 0)"""),
    Leak("notes", "two columns of a journal without policies are granted to everybody", ("public.journal",),
         """alter table public.journal disable row level security;
           grant select (action, detail) on public.journal to public"""),
    Leak("notes", "a procedure wipes anybody's notes", ("public.wipe",),
         """create procedure public.wipe(p_user uuid) language sql security definer set search_path='' as $$ delete from public.notes where user_id = p_user $$"""),
    Leak("tenants", "settings move to another tenant", ("public.settings",),
         """alter policy tenant_only on public.settings using (tenant_id = public.tenant()) with check (webhook like 'https%' or webhook is null)"""),
    Leak("tenants", "events of all tenants can be changed", ("public.events",),
         """create policy u on public.events for update to app_user using (what <> '') with check (true)"""),
    Leak("tenants", "a setting that is missing opens all invoices", ("public.invoices",),
         """create policy z on public.invoices for select to app_user using (tenant_id = public.tenant() or current_setting('app.admin', true) is distinct from 'false')"""),
    Leak("tenants", "invoices are made for others through a view", ("public.invoice_entry",),
         """create view public.invoice_entry as select id, tenant_id, account_id, amount from public.invoices;
           grant insert on public.invoice_entry to app_user"""),
    Leak("teams", "bytes of any document", ("public.content_of",),
         """create function public.content_of(p_id integer) returns bytea language sql stable security definer set search_path='' as $$ select content from public.documents where id = p_id $$"""),
    Leak("teams", "a rule copies messages to where all read", ("public.feed",),
         """create table public.feed (what text);
           grant select on public.feed to team_red, team_blue;
           create rule copy as on insert to public.messages do also insert into public.feed values (new.body)"""),
    Leak("teams", "labels of all documents are counted", ("public.label_cloud",),
         """create materialized view public.label_cloud as select unnest(labels) as label, count(*) from public.documents group by 1;
           grant select on public.label_cloud to team_red"""),
    Leak("shop", "customers give themselves away", ("public.customers",),
         """drop policy change on public.customers;
           create policy change on public.customers for update to authenticated using (auth_id = auth.uid() or phone is null) with check (true)"""),
    Leak("shop", "anybody asks whether a phone is known", ("public.has_phone",),
         """create function public.has_phone(p_phone text) returns boolean language sql stable security definer set search_path='' as $$ select exists (select 1 from public.customers where phone = p_phone) $$;
           grant execute on function public.has_phone(text) to anon"""),
    Leak("shop", "the state of anybody's shipment is changed", ("public.shipments",),
         """grant update (state) on public.shipments to authenticated;
           create policy u on public.shipments for update to authenticated using (state = 'waiting')"""),
    Leak("shop", "one's own row beside the number of all orders", ("public.my_rank",),
         """create view public.my_rank as select c.id, (select count(*) from public.orders) as all_orders from public.customers c where c.auth_id = auth.uid();
           grant select on public.my_rank to authenticated"""),
    Leak("sharing", "editors delete", ("public.documents",),
         """alter policy removing on public.documents using (public.may_write(id))"""),
    Leak("sharing", "readers mend the comments of others", ("public.comments",),
         """alter policy mend on public.comments using (public.may_read(document_id)) with check (public.may_read(document_id))"""),
    Leak("sharing", "an invitation is found by the beginning of its secret", ("public.find_invite",),
         """create function public.find_invite(p_secret text) returns table(email text) language sql stable security definer set search_path='' as $$ select email from public.invites where secret like p_secret || '%' $$;
           grant execute on function public.find_invite(text) to authenticated"""),
    Leak("sharing", "a membership is moved to another document", ("public.memberships",),
         """create policy mv on public.memberships for update to authenticated using (user_id = auth.uid() or public.owns(document_id)) with check (user_id = auth.uid())"""),
    Leak("columns", "an address is asked for by counting", ("public.count_email",),
         """create function public.count_email(p_email text) returns integer language sql stable security definer set search_path='' as $$ select count(*)::integer from public.profiles where email = p_email $$;
           grant execute on function public.count_email(text) to authenticated"""),
    Leak("columns", "the length of a hidden remark", ("public.latest_posts",),
         """create view public.latest_posts as select title, length(remarks) as n from public.posts where published;
           grant select on public.latest_posts to anon"""),
    Leak("columns", "users set their credits", ("public.profiles",),
         """grant update (credits) on public.profiles to authenticated"""),
    Leak("columns", "digests of keys are replaced", ("public.api_keys",),
         """create policy rot on public.api_keys for update to authenticated using (uses >= 0) with check (true);
           grant update (digest) on public.api_keys to authenticated"""),
)  # fmt: skip

LATER_CORRECT = (
    Correct("notes", "journal by function",
            """create function public.my_journal() returns setof public.journal language sql stable security definer set search_path='' as $$ select * from public.journal where user_id = auth.uid() $$"""),
    Correct("tenants", "count of own",
            """create function public.count_mine() returns bigint language sql stable security definer set search_path='' as $$ select count(*) from public.invoices where tenant_id = public.tenant() $$"""),
    Correct("shop", "checkout function",
            """create function public.checkout(p_note text) returns uuid language plpgsql security definer set search_path='' as $$ declare v uuid;
           c integer;
           begin select id into c from public.customers where auth_id = auth.uid();
           if c is null then raise exception 'no customer';
           end if;
           insert into public.orders (customer_id, note) values (c, p_note) returning id into v;
           return v;
           end $$;
           revoke execute on function public.checkout(text) from public;
           grant execute on function public.checkout(text) to authenticated"""),
    Correct("sharing", "leave function",
            """create function public.leave(p_document uuid) returns boolean language plpgsql security definer set search_path='' as $$ begin delete from public.memberships where document_id = p_document and user_id = auth.uid();
           return found;
           end $$;
           grant execute on function public.leave(uuid) to authenticated"""),
    Correct("columns", "publish function",
            """create function public.publish(p_post uuid) returns void language sql security definer set search_path='' as $$ update public.posts set published = true where id = p_post and author_id = auth.uid() $$;
           grant execute on function public.publish(uuid) to authenticated"""),
    Correct("teams", "send function",
            """create function public.send(p_to name, p_body text) returns uuid language sql set search_path='' as $$ insert into public.messages (sender, recipient, body) values (current_user, p_to, p_body) returning id $$"""),
)  # fmt: skip
