//! Finding transactions that change the row of one stream, or of one viewer, twice.

use anyhow::Result;

use crate::database::TestDatabase;

/// A new row is completed by the transaction that made it; nobody else has seen it. A heartbeat that brings a host
/// back and renews the token takes what the row refers to before it notes the token.
const REFUSE_SECOND_UPDATE: &str =
    "create function stream_private.refuse_second_update() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        if old.xmin = pg_catalog.pg_current_xact_id()::xid and old.state_seq > 0
            and (new.host_token_issued_at is not distinct from old.host_token_issued_at
                or new.state_reason is distinct from 'host_returned') then
            raise exception 'stream % is updated twice in one transaction', old.id;
        end if;
        return null;
    end
    $$;
    create trigger stream_sessions_refuse_second_update
    after update on stream.stream_sessions
    for each row execute function stream_private.refuse_second_update()";

const REFUSE_SECOND_UPDATE_OF_VIEWER: &str =
    "create function stream_private.refuse_second_update_of_viewer() returns trigger
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    begin
        if old.xmin = pg_catalog.pg_current_xact_id()::xid then
            raise exception 'viewer % is updated twice in one transaction', old.user_id;
        end if;
        return null;
    end
    $$;
    create trigger stream_viewers_refuse_second_update
    after update on stream.stream_viewers
    for each row execute function stream_private.refuse_second_update_of_viewer()";

impl TestDatabase {
    /// Fails every call that updates a viewer's row twice.
    pub async fn refuse_second_updates_of_viewers(&self) -> Result<()> {
        self.change(REFUSE_SECOND_UPDATE_OF_VIEWER).await
    }

    /// Fails every call that updates a stream twice: the second time Postgres checks the row's foreign
    /// keys again although they are the same, and waits for whoever holds the auction or the seller.
    pub async fn refuse_second_updates(&self) -> Result<()> {
        self.change(REFUSE_SECOND_UPDATE).await
    }
}
