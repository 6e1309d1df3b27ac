comment on table public.voices is 'Voices of users; rows are removed softly';
comment on column public.tasks.modal_job_id is 'Kept until the clean-up; do not drop table or delete from it';
