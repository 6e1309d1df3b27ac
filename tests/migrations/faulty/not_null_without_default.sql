-- expect: REFUSES
alter table public.voices add column tts_provider text not null;
