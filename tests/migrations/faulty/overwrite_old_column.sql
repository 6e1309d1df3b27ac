-- expect: ALTERS
update public.generations set language = lower(language) where language <> lower(language);
