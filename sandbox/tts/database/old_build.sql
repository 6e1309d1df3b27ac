-- The tables as the build before the adapter knows them, on the schema before the qwen migration and on the one after.
--
-- The statements of the API name the columns of today. For the old build they run against these views instead: what is
-- new reads as if it had never been there, and is never written, so that the tables take their defaults. Nothing in
-- schema public knows of them. What a user deleted stays hidden, on a schema that can tell. They have the rights of whoever asks, so a right that is revoked is felt here too.

drop schema if exists old_build cascade;
create schema old_build;

create view old_build.voices with (security_invoker = true) as
  select id, user_id, name, reference_object_key, reference_transcript, description, language, source, created_at,
    'modal'::text as tts_provider, null::text as provider_voice_id, null::text as provider_target_model,
    null::text as provider_region, null::text as provider_request_id, null::text as provider_voice_kind,
    '{}'::jsonb as provider_metadata, null::timestamptz as deleted_at
  from public.voices as v
  -- F-89 begins
  where to_jsonb(v) ->> 'deleted_at' is null
  -- F-89 ends
;

create view old_build.generations with (security_invoker = true) as
  select id, user_id, voice_id, text, audio_object_key, duration_seconds, generation_time_seconds, language, status,
    error_message, created_at, completed_at,
    'modal'::text as tts_provider, null::text as provider_model, null::text as output_format,
    '{}'::jsonb as provider_metadata
  from public.generations;

create view old_build.tasks with (security_invoker = true) as
  select id, user_id, type, status, modal_job_id, modal_poll_count, generation_id, voice_id, metadata, result, error,
    created_at, updated_at, completed_at,
    'modal'::text as provider, null::text as provider_job_id, null::text as provider_status,
    0 as provider_poll_count, false as cancellation_requested
  from public.tasks;

create function old_build.insert_voice() returns trigger language plpgsql set search_path = '' as $$
begin
  new.id = coalesce(new.id, gen_random_uuid());
  insert into public.voices (id, user_id, name, reference_object_key, reference_transcript, description, language,
      source, created_at)
    values (new.id, new.user_id, new.name, new.reference_object_key, new.reference_transcript, new.description,
      coalesce(new.language, 'Auto'), new.source, coalesce(new.created_at, now()));
  select * into new from old_build.voices where id = new.id;
  return new;
end
$$;

create function old_build.insert_generation() returns trigger language plpgsql set search_path = '' as $$
begin
  new.id = coalesce(new.id, gen_random_uuid());
  insert into public.generations (id, user_id, voice_id, text, audio_object_key, language, status, created_at)
    values (new.id, new.user_id, new.voice_id, new.text, new.audio_object_key, coalesce(new.language, 'Auto'),
      coalesce(new.status, 'pending'), coalesce(new.created_at, now()));
  select * into new from old_build.generations where id = new.id;
  return new;
end
$$;

create function old_build.insert_task() returns trigger language plpgsql set search_path = '' as $$
begin
  new.id = coalesce(new.id, gen_random_uuid());
  insert into public.tasks (id, user_id, type, status, generation_id, voice_id, metadata, created_at)
    values (new.id, new.user_id, new.type, coalesce(new.status, 'pending'), new.generation_id, new.voice_id,
      coalesce(new.metadata, '{}'), coalesce(new.created_at, now()));
  select * into new from old_build.tasks where id = new.id;
  return new;
end
$$;

-- A row that has moved on since it was looked at is left alone, as by a plain update that waits for it.
create function old_build.update_generation() returns trigger language plpgsql set search_path = '' as $$
begin
  update public.generations set voice_id = new.voice_id, audio_object_key = new.audio_object_key, status = new.status,
      generation_time_seconds = new.generation_time_seconds, error_message = new.error_message,
      completed_at = new.completed_at
    where id = old.id and status = old.status;
  if not found then
    return null;
  end if;
  return new;
end
$$;

create function old_build.update_task() returns trigger language plpgsql set search_path = '' as $$
begin
  update public.tasks set status = new.status, modal_job_id = new.modal_job_id,
      modal_poll_count = new.modal_poll_count, generation_id = new.generation_id, result = new.result,
      error = new.error, completed_at = new.completed_at
    where id = old.id and status = old.status;
  if not found then
    return null;
  end if;
  return new;
end
$$;

create trigger insert_voice instead of insert on old_build.voices
  for each row execute function old_build.insert_voice();
create trigger insert_generation instead of insert on old_build.generations
  for each row execute function old_build.insert_generation();
create trigger insert_task instead of insert on old_build.tasks
  for each row execute function old_build.insert_task();
create trigger update_generation instead of update on old_build.generations
  for each row execute function old_build.update_generation();
create trigger update_task instead of update on old_build.tasks
  for each row execute function old_build.update_task();

grant usage on schema old_build to service_role;
grant select, insert, update, delete on all tables in schema old_build to service_role;
