-- The result type of forgetting a user.
create type stream.erasure_result as (changed integer, has_more boolean);
comment on type stream.erasure_result is
    'One part of an erasure: rows that were deleted or cleared, and whether to call again.';
