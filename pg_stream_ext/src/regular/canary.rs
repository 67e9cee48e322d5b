//! The rule `canary`: a numbered event every ten seconds, by which edge_api sees that broadcasts arrive.

use pgrx::datum::Uuid;
use serde_json::json;

use crate::clock;
use crate::postgres::column::columns;
use crate::postgres::error::Result;
use crate::postgres::json_text;
use crate::postgres::spi::{self, statements};
use crate::realtime::{broadcast, sends};
use crate::regular::unit::{Rule, Unit};

statements! {
    /// A time ahead of the clock is from before the clock was set back.
    IS_DUE: Write [] -> bool,
        "select c.sent_at <= now() - interval '10 seconds' or c.sent_at > now()
         from stream.canary as c
         cross join stream.config as f
         where c.id and f.canary_user_id is not null";

    TAKE: Write [] -> Next,
        "with free as (
             select c.id from stream.canary as c where c.id for update skip locked
         )
         update stream.canary as c
         set canary_no = c.canary_no + 1, sent_at = now()
         from free as r
         cross join stream.config as f
         where c.id = r.id and f.canary_user_id is not null
         returning f.canary_user_id as user_id, c.canary_no";
}

columns! {
    struct Next {
        user_id: Uuid,
        canary_no: i64,
    }
}

pub struct Canary;

impl Rule for Canary {
    fn name(&self) -> &'static str {
        "canary"
    }

    /// Nothing is taken while nothing can be written, so that the time of the last one tells.
    fn unit(&self, _: &mut Unit) -> Result<()> {
        if spi::first(&IS_DUE, &[])? != Some(true) {
            return Ok(());
        }
        let now = clock::now()?;
        let Some(method) = broadcast::hold_write_method(now)? else {
            return Ok(());
        };
        let Some(next) = spi::first(&TAKE, &[])? else {
            return Ok(());
        };
        let topic = format!("canary:{}", next.user_id);
        let payload = json!({
            "canary_no": next.canary_no,
            "server_time": json_text::time(now),
        });
        broadcast::write(method, &topic, "canary", &payload.to_string(), now)?;
        sends::note(&topic, "canary")
    }
}
