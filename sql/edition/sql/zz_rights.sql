-- Nobody but the owner of the tables may execute a function of this edition, so none of them asks who its effective user is.
revoke all on all functions in schema stream_ext from public, anon, authenticated, service_role;
