-- expect: OPENS
alter default privileges in schema public grant select, insert, update, delete on tables to anon, authenticated;
