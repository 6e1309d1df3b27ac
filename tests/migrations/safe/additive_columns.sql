alter table public.voices
  add column if not exists tts_provider text not null default 'modal',
  add column if not exists provider_metadata jsonb not null default '{}'::jsonb,
  add column if not exists deleted_at timestamptz;
