-- expect: OPENS
DO $body$
DECLARE t record;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE 'ALTER TABLE public.' || quote_ident(t.tablename) || ' DISABLE ROW LEVEL SECURITY';
  END LOOP;
END
$body$;
