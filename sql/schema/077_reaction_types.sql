-- What reacting to a stream returns.
create type stream.reaction_result as (accepted boolean, retry_after_ms bigint);
comment on type stream.reaction_result is
    'Whether a reaction counts. One beyond the rate does not, and is no error: it is not to be sent again.';
comment on column stream.reaction_result.retry_after_ms is 'Milliseconds until one counts again; null where this one did. @null';
