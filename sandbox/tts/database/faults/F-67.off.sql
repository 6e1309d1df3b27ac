alter table public.generations rename column length_seconds to duration_seconds;
