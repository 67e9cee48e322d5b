//! Time that passes in a test: the stored times move back; nobody waits.

use anyhow::Result;
use uuid::Uuid;

use crate::database::TestDatabase;

/// Every time that is stored about one session, also of a table that is added later.
const SHIFT_SESSION: &str = "do $block$
declare
    change text;
begin
    for change in
        select format(
            'update stream.%I set %s where %I = %L', c.relname,
            string_agg(format('%1$I = %1$I - interval ''%2$s s''', a.attname, '{seconds}'), ', '),
            case when c.relname = 'stream_sessions' then 'id' else 'session_id' end, '{session}')
        from pg_catalog.pg_class as c
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid
        where c.relnamespace = 'stream'::regnamespace and c.relkind = 'r'
            -- Append-only: nothing is judged by its times.
            and c.relname <> 'moderation_log'
            and a.atttypid = 'timestamptz'::regtype and not a.attisdropped
            and exists (
                select from pg_catalog.pg_attribute as k
                where k.attrelid = c.oid
                    and k.attname = case when c.relname = 'stream_sessions' then 'id' else 'session_id' end)
        group by c.relname
        order by c.relname <> 'stream_sessions'
    loop
        execute change;
    end loop;
    update stream.requests set created_at = created_at - interval '{seconds} s';
    update stream.ticker set swept_at = swept_at - interval '{seconds} s',
        ticked_at = ticked_at - interval '{seconds} s',
        sends_at = sends_at - interval '{seconds} s';
end
$block$";

impl TestDatabase {
    /// Lets so many seconds pass for a session: all its times, and those of the ticker and of request ids, move back.
    /// A negative number sets the clock back for it.
    pub async fn pass_time(&self, session: Uuid, seconds: i64) -> Result<()> {
        let statement = SHIFT_SESSION
            .replace("{seconds}", &seconds.to_string())
            .replace("{session}", &session.to_string());
        self.change(&statement).await
    }
}
