//! Taking today's partition of `realtime.messages` away, and bringing it back.

use anyhow::Result;

use crate::database::TestDatabase;

/// There is no such table any more.
pub const DROP_TODAY: &str = "do $$ begin
    execute format('drop table realtime.messages_%s', to_char(now() at time zone 'UTC', 'YYYY_MM_DD'));
end $$";

/// The table is there under its name, and takes no rows any more.
pub const DETACH_TODAY: &str = "do $$ begin
    execute format('alter table realtime.messages detach partition realtime.messages_%s',
        to_char(now() at time zone 'UTC', 'YYYY_MM_DD'));
end $$";

/// Attaches what was detached, or makes what was dropped.
pub const BRING_BACK: &str = "do $$
declare
    day date := (now() at time zone 'UTC')::date;
    name text := to_char(day, '\"messages_\"YYYY_MM_DD');
begin
    if to_regclass('realtime.' || name) is not null then
        execute format('alter table realtime.messages attach partition realtime.%I
            for values from (%L) to (%L)', name, day, day + 1);
    end if;
    perform realtime.maintain_partitions();
end $$";

impl TestDatabase {
    /// Nothing is broadcast from now on.
    pub async fn drop_partition_of_today(&self) -> Result<()> {
        Ok(self.superuser().await?.batch_execute(DROP_TODAY).await?)
    }

    pub async fn bring_partition_back(&self) -> Result<()> {
        Ok(self.superuser().await?.batch_execute(BRING_BACK).await?)
    }
}
