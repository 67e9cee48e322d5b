//! Changes of the scene, each made and rolled back around the same calls, and the codes that none of them brings about.

/// One change, and the isolation level at which the calls are made.
pub struct Scene {
    pub name: &'static str,
    /// Statements of the owner of the tables, who may become the superuser again.
    pub change: &'static str,
    pub isolation: &'static str,
    /// Each wrong argument too, and not only right ones.
    pub varies: bool,
}

impl Scene {
    const fn of(name: &'static str, change: &'static str) -> Self {
        Self {
            name,
            change,
            isolation: "read committed",
            varies: false,
        }
    }
}

/// A limit of one in a minute for everything, and each of them is used up.
const RATES: &str = "
update stream.config
set token_rate_per_minute = 1, starts_per_minute = 1, state_moves_per_minute = 1, restrictions_per_minute = 1,
    reports_per_minute = 1, chat_interval_ms = 60000, chat_burst = 1, host_chat_interval_ms = 60000, host_chat_burst = 1,
    reaction_interval_ms = 60000, reaction_burst = 1
where id;
insert into stream.start_rates (seller_id, tat)
select u.id, clock_timestamp() from public.users as u
on conflict on constraint start_rates_pkey do nothing;
insert into stream.restriction_rates (session_id, actor, tat)
select s.id, u.id, clock_timestamp() from stream.stream_sessions as s cross join public.users as u
on conflict on constraint restriction_rates_pkey do nothing;
insert into stream.report_rates (session_id, user_id, tat)
select s.id, u.id, clock_timestamp() from stream.stream_sessions as s cross join public.users as u
on conflict on constraint report_rates_pkey do nothing;
do $$
declare
    place record;
begin
    for place in
        select a.attrelid::regclass as of_table, a.attname from pg_catalog.pg_attribute as a
        join pg_catalog.pg_class as c on c.oid = a.attrelid
        where c.relnamespace = 'stream'::regnamespace and c.relkind = 'r' and a.attname ~ 'tat$' and not a.attisdropped
    loop
        execute format('update %s set %I = clock_timestamp() + interval ''50 s''', place.of_table, place.attname);
    end loop;
end $$";

pub const SCENES: &[Scene] = &[
    Scene {
        varies: true,
        ..Scene::of("as it is", "")
    },
    Scene {
        isolation: "repeatable read",
        ..Scene::of("above read committed", "")
    },
    Scene::of("every rate is used up", RATES),
    Scene::of(
        "no app id",
        "update stream.config set agora_app_id = null where id",
    ),
    Scene::of("no certificate", "reset role; delete from vault.secrets"),
    Scene::of(
        "a malformed certificate",
        "reset role; update vault.secrets set secret = 'no certificate'",
    ),
    Scene::of(
        "a closed vault",
        "reset role; revoke all on vault.decrypted_secrets from postgres, service_role",
    ),
    Scene::of(
        "the chat of hosts",
        "update stream.stream_sessions set chat_mode = 'hosts'",
    ),
    Scene::of(
        "slow mode",
        "update stream.stream_sessions set slow_mode_ms = 60000;
         update stream.stream_viewers set last_chat_at = clock_timestamp()",
    ),
    Scene::of(
        "a blocked term",
        "insert into stream.blocked_terms (session_id, term, pattern) values (null, 'hello', 'hello')",
    ),
    Scene::of(
        "nobody may chat",
        "create or replace function stream.hook_can_chat(user_id uuid, session_id uuid) returns boolean
         language sql set search_path = pg_catalog, pg_temp as 'select false'",
    ),
    Scene::of(
        "no takeover is left",
        "update stream.stream_sessions set generation = 999999",
    ),
    Scene::of(
        "the auctions are Ada's by now",
        "reset role; update public.auctions set seller_id = '00000000-0000-4000-8000-000000000002'",
    ),
    Scene::of(
        "the viewers have left",
        "update stream.stream_viewers set left_at = clock_timestamp()",
    ),
    Scene::of(
        "Ada is a moderator",
        "reset role; update public.users set is_moderator = true where id = '00000000-0000-4000-8000-000000000002'",
    ),
];

/// Codes of the contract that no call of these operations brings about, with the reason.
pub const NOT_HERE: &[(&str, &str, &str)] = &[
    (
        "",
        "clock_wrong",
        "is of the server's clock, which clock::wrong changes for either edition",
    ),
    (
        "",
        "certificate_unsafe",
        "is of a file, which the SQL edition does not read",
    ),
    (
        "inspect_token",
        "not_configured",
        "needs a certificate and no app id",
    ),
    (
        "resume_stream",
        "illegal_transition",
        "leads to active, which follows every state but ended",
    ),
];
