-- The version of the contract: what operations, types and events are, as contract/ describes them. `cargo x generate`
-- reads it here and refuses what breaks clients of contract/released.json while the first number stands.
create function stream_private.contract_version() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select '1.0' $$;
comment on function stream_private.contract_version() is
    'The version of the contract: the first number moves with what breaks clients, the second with what is added.';

-- stream_core has it too.
create function stream_private.oldest_client() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select '1.0' $$;
comment on function stream_private.oldest_client() is 'The oldest version of the contract whose clients this server serves.';
