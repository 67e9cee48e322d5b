//! A release before this one: the present SQL with everything in it that an upgrade has to change.

use anyhow::Result;
use xtask::product_sql::{ProductSql, SqlFile};
use xtask::{bundle, workspace};

/// Its migrations, and the one of tables with which this release comes.
pub struct PreviousRelease {
    pub schema: String,
    pub code: String,
    pub schema_of_upgrade: String,
}

/// What only the release before had.
const GONE: &str = "
create view stream_private.gone as select b.user_id from stream_private.bans as b;
grant select on stream_private.gone, stream_private.bans to authenticated;

create function stream_private.gone(number integer default 1) returns integer
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return number;
end
$$;
comment on function stream_private.gone is 'A body; it is no more.';
create function stream.gone(number integer default 1) returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.gone(number);
end
$$;
revoke all on function stream.gone(integer), stream_private.gone(integer) from public;
grant execute on function stream.gone(integer), stream_private.gone(integer) to authenticated;
create procedure stream_private.gone_too() language plpgsql as 'begin end';

create function stream_private.gone_trigger() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return null;
end
$$;
create trigger gone
after insert on stream.chat_messages
for each statement execute function stream_private.gone_trigger();

create policy gone on realtime.messages
for select to anon
using (stream_private.gone(1) = 2);

grant execute on function stream.tick() to anon, authenticated;
grant usage on schema stream_private to anon;
";

/// The present release's SQL as it was before.
pub fn sql() -> Result<ProductSql> {
    let mut sql = ProductSql::chosen(workspace::root())?;
    let bodies = &mut sql.bodies;
    // Another result, other names of arguments, other arguments, a default more, a procedure.
    change(
        bodies,
        "contract_version() returns text",
        "contract_version() returns varchar",
    );
    change(
        bodies,
        "check_reason(reason text)",
        "check_reason(why text)",
    );
    change(
        bodies,
        "find_session_of_user(user_id uuid) returns uuid",
        "find_session_of_user(user_id uuid, which integer) returns uuid",
    );
    change(
        bodies,
        "find_session_of_user(uuid) is",
        "find_session_of_user(uuid, integer) is",
    );
    change(
        bodies,
        "create function stream_private.check_page_size(page_size integer) returns void\nlanguage plpgsql stable",
        "create procedure stream_private.check_page_size(page_size integer)\nlanguage plpgsql",
    );
    change(
        bodies,
        "on function stream_private.check_page_size",
        "on procedure stream_private.check_page_size",
    );
    // Another body, volatility, security, settings and comment.
    change(
        bodies,
        "may_watch(user_id uuid, session_id uuid, seller_id uuid) returns boolean\nlanguage plpgsql stable\n",
        "may_watch(user_id uuid, session_id uuid, seller_id uuid) returns boolean\nlanguage plpgsql security definer strict cost 7\nset work_mem = '5MB'\n",
    );
    change(
        bodies,
        "'Whether a user (null: the service) may find",
        "'Whether anybody may find",
    );
    // Columns in another order, other events of a trigger, other roles of a policy.
    change(
        bodies,
        "select r.session_id, r.user_id\n",
        "select r.kind, r.session_id, r.user_id\n",
    );
    change(
        bodies,
        "after update on stream.config",
        "after insert or update on stream.config",
    );
    change(
        bodies,
        "for select to authenticated\n",
        "for select to anon, authenticated\n",
    );
    let api = &mut sql.api;
    change(
        api,
        "create function stream.get_live_stream(auction_id uuid)",
        "create function stream.get_live_stream(auction_id uuid default null)",
    );
    change(
        api,
        "function stream_private.find_session_of_user(uuid)",
        "function stream_private.find_session_of_user(uuid, integer)",
    );
    change(
        api,
        "function stream_private.check_page_size",
        "procedure stream_private.check_page_size",
    );
    api.push(SqlFile {
        path: "sql/api/990_gone.sql".to_owned(),
        text: GONE.to_owned(),
    });
    Ok(sql)
}

impl PreviousRelease {
    pub fn new() -> Result<Self> {
        let mut sql = sql()?;
        let schema = &mut sql.schema;
        let mut upgrade = String::from(
            "alter table stream.webhook_events add column effect text;
             alter type stream.webhook_result add attribute effect text;
             alter table stream.reported_messages
                 add constraint reported_messages_report_count_check check (report_count >= 1);\n",
        );
        change(
            schema,
            "    status text not null,\n    effect text,\n",
            "    status text not null,\n",
        );
        change(
            schema,
            "webhook_result as (status text, effect text)",
            "webhook_result as (status text)",
        );
        change(
            schema,
            ",\n    constraint reported_messages_report_count_check check (report_count >= 1)",
            "",
        );
        for statement in [
            "comment on column stream.webhook_events.effect is",
            "comment on column stream.webhook_result.effect is",
            "create index requests_created_at_idx",
        ] {
            upgrade.push_str(&cut(schema, statement));
        }
        let troubles = schema
            .iter()
            .position(|file| file.path.contains("troubles"))
            .expect("a table of its own file");
        upgrade.push_str(&schema.remove(troubles).text);
        Ok(Self {
            schema: bundle::schema(&sql),
            code: bundle::code(&sql)?,
            schema_of_upgrade: upgrade,
        })
    }
}

/// Replaces a text that stands once in these files.
fn change(files: &mut [SqlFile], present: &str, before: &str) {
    let file = only(files, present);
    file.text = file.text.replacen(present, before, 1);
}

/// Takes the statement out that begins like this.
fn cut(files: &mut [SqlFile], begin: &str) -> String {
    let file = only(files, begin);
    let from = file.text.find(begin).expect("stands there");
    let to = from + file.text[from..].find(";\n").expect("ends") + 2;
    let statement = file.text[from..to].to_owned();
    file.text.replace_range(from..to, "");
    statement
}

fn only<'a>(files: &'a mut [SqlFile], text: &str) -> &'a mut SqlFile {
    let count: usize = files
        .iter()
        .map(|file| file.text.matches(text).count())
        .sum();
    assert_eq!(count, 1, "{text}");
    files
        .iter_mut()
        .find(|file| file.text.contains(text))
        .expect("there is one")
}
