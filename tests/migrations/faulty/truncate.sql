-- expect: ALTERS
TRUNCATE TABLE public.trial_consumption RESTART IDENTITY CASCADE;
