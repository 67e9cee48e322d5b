-- Messages of users whom the application deleted: their id leaves the log with them, and their text stays until
-- forget_user() takes it away.
create table stream.authors_deleted (
    user_id uuid not null,
    session_id uuid not null,
    seqs int8multirange not null,
    -- No foreign key: the deletion of a user holds messages here, and that of a stream holds its row while it
    -- waits for messages.
    constraint authors_deleted_pkey primary key (user_id, session_id)
);
create index authors_deleted_session_id_idx on stream.authors_deleted (session_id);
comment on table stream.authors_deleted is
    'The numbers of the messages of users who were deleted, so that they can still be forgotten. It goes with its session.';
alter table stream.authors_deleted enable row level security;
revoke all on table stream.authors_deleted from public, anon, authenticated, service_role;
