-- expect: LOSES
alter table public.profiles disable trigger all;
update public.profiles set handle = handle where false;
