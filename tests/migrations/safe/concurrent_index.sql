create index concurrently if not exists idx_generations_status on public.generations (status);
