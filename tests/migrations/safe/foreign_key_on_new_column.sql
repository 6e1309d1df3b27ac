begin;
alter table public.generations add column if not exists retry_of uuid;
alter table public.generations add constraint generations_retry_of_fkey
  foreign key (retry_of) references public.generations (id) on delete set null not valid;
alter table public.generations validate constraint generations_retry_of_fkey;
create index if not exists idx_generations_retry_of on public.generations (retry_of);
commit;
