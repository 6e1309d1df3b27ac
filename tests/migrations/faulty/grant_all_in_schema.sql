-- expect: OPENS
grant all on all tables in schema public to authenticated;
