create temporary table moved on commit drop as select id from public.voices where language = 'Auto';
alter table public.voices add column if not exists locale text;
update public.voices v set locale = 'und' from moved m where m.id = v.id and v.locale is null;
delete from moved;
