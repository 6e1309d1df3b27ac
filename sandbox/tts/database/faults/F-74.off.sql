revoke execute on function public.increment_task_modal_poll_count(uuid, uuid) from anon, authenticated;
