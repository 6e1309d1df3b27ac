-- expect: LOSES
alter table public.voices rename column reference_object_key to reference_key;
