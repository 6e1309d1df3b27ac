create table if not exists public.voice_tags (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  voice_id uuid not null references public.voices (id) on delete cascade,
  tag text not null
);
alter table public.voice_tags enable row level security;
drop policy if exists "own tags" on public.voice_tags;
create policy "own tags" on public.voice_tags for all to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
grant select, insert, update, delete on public.voice_tags to authenticated;
create index if not exists idx_voice_tags_user on public.voice_tags (user_id);
create index if not exists idx_voice_tags_voice on public.voice_tags (voice_id);
