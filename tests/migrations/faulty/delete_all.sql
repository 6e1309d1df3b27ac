-- expect: ALTERS
delete from public.generations;
