-- expect: LOSES
drop function if exists public.trial_restore(uuid, text, text, jsonb);
