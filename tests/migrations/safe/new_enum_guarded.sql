do $$ begin
  create type public.output_format as enum ('wav', 'mp3');
exception when duplicate_object then null;
end $$;
alter table public.generations add column if not exists preferred public.output_format default 'wav';
