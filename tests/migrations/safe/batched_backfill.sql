alter table public.generations add column if not exists char_count integer;
do $$
declare
  touched integer;
begin
  loop
    update public.generations set char_count = char_length(text)
    where id in (select id from public.generations where char_count is null limit 1000);
    get diagnostics touched = row_count;
    exit when touched = 0;
  end loop;
end
$$;
