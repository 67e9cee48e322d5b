-- Sequences of identity columns, which default privileges of a database may have granted.
revoke all on all sequences in schema stream from public, anon, authenticated, service_role;
