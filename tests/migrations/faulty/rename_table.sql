-- expect: LOSES
ALTER TABLE IF EXISTS generations RENAME TO speech;
CREATE VIEW generations WITH (security_invoker = on) AS SELECT * FROM speech;
