set lock_timeout = '2s';
alter table public.generations add constraint generations_text_short check (char_length(text) <= 20000) not valid;
alter table public.generations validate constraint generations_text_short;
