alter type public.task_state add value if not exists 'paused' after 'pending';
