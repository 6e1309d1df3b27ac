-- expect: ALTERS
merge into public.voices v using public.profiles p on p.id = v.user_id
when matched and p.handle is null then delete
when not matched then do nothing;
