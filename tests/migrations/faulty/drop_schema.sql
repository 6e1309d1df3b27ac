-- expect: LOSES
drop schema if exists app_private cascade;
