-- A column that the old build reads has another name. The new build does not read it, so nothing else shows.
alter table public.generations rename column duration_seconds to length_seconds;
