grant execute on function public.increment_task_modal_poll_count(uuid, uuid) to anon, authenticated;
