-- expect: ALTERS
delete from voices where created_at < now() - interval '90 days';
