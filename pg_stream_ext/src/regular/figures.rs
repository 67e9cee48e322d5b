//! Figures of the regular work for `stream.metrics`: what its rules did, and how fast logs grow.
//!
//! They are written after a round, in a transaction or subtransaction of their own: what keeps them from being
//! written keeps nothing else. Of a round whose process is killed before that they are lost.

use crate::postgres::error::Result;
use crate::postgres::spi::{self, statements};
use crate::regular::unit::Tally;

/// The name in `stream.troubles`.
pub const FIGURES: &str = "figures";

/// A CTE `turn`: the row of the figures gives one transaction at a time the turn to add first rows of other tables, so that
/// none waits for another's.
macro_rules! turn {
    ($($condition:literal)?) => {
        concat!(
            "turn as materialized (
                 select f.id from stream.figures as f where f.id ", $("and ", $condition,)? "
                 for update skip locked
             )"
        )
    };
}
pub(crate) use turn;

statements! {
    /// A time ahead of the clock is from before the clock was set back.
    IS_SAMPLE_DUE: Write [] -> bool,
        "select f.sampled_at <= now() - interval '5 seconds' or f.sampled_at > now() from stream.figures as f where f.id";

    /// Only rows that tell something new, or are five seconds old, and none that another transaction has locked.
    WRITE_RULES: Write [TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID, TEXTARRAYOID]
        concat!("with rules as materialized (
             select r.rule, r.swept_rows, r.rule = any ($4) as has_run,
                 case when r.age_us >= 0 then r.age_us * interval '1 microsecond' end as oldest_age
             from unnest($1, $2, $3) as r (rule, swept_rows, age_us)
         ), known as materialized (
             select f.rule, f.ran_at, f.swept_rows, f.oldest_age from stream.rule_figures as f where f.rule = any ($1)
         ), due as materialized (
             select r.rule, r.swept_rows, r.has_run, r.oldest_age
             from rules as r
             join known as k on k.rule = r.rule
             where r.swept_rows > 0 or r.oldest_age is distinct from k.oldest_age
                 or r.has_run and (k.ran_at is null or k.ran_at <= now() - interval '5 seconds' or k.ran_at > now())
         ), free as materialized (
             select f.rule from stream.rule_figures as f
             where f.rule = any (array(select d.rule from due as d)) order by f.rule for update skip locked
         ), ", turn!("exists (select from rules as r where r.rule not in (select k.rule from known as k))"), ", added as (
             insert into stream.rule_figures (rule, ran_at, swept_rows, oldest_age)
             select r.rule, case when r.has_run then now() end, r.swept_rows, r.oldest_age
             from rules as r
             cross join turn
             where r.rule not in (select k.rule from known as k)
             on conflict (rule) do nothing
         )
         update stream.rule_figures as f
         set ran_at = case when d.has_run then now() else f.ran_at end,
             swept_rows = f.swept_rows + d.swept_rows,
             oldest_age = d.oldest_age
         from due as d
         where f.rule = d.rule and d.rule in (select e.rule from free as e)");

    /// Counts the logs of live streams and of those that ended in the last ten minutes, in which a transaction that
    /// ended one may still have been open; of older ones the sum is kept. Heads are found by their key: a join of so many
    /// reads them all.
    SAMPLE: Write []
        "with last as materialized (
             select f.ended_upto, f.ended_messages, f.ended_frames, f.messages, f.frames,
                 greatest(f.ended_upto, now() - interval '10 minutes') as upto,
                 case when isfinite(f.sampled_at) then extract(epoch from now() - f.sampled_at) end as passed_s
             from stream.figures as f
             where f.id and (f.sampled_at <= now() - interval '5 seconds' or f.sampled_at > now())
             for update skip locked
         ), gone as materialized (
             select coalesce(sum((
                     select h.last_seq from stream.chat_heads as h where h.session_id = s.id)), 0)::bigint as messages,
                 coalesce(sum((
                     select r.frames from stream.chat_relay as r where r.session_id = s.id)), 0)::bigint as frames
             from last as l
             join stream.stream_sessions as s
                 on s.state = 'ended' and s.ended_at > l.ended_upto and s.ended_at <= l.upto
         ), here as materialized (
             select coalesce(sum((
                     select h.last_seq from stream.chat_heads as h where h.session_id = s.id)), 0)::bigint as messages,
                 coalesce(sum((
                     select r.frames from stream.chat_relay as r where r.session_id = s.id)), 0)::bigint as frames
             from last as l
             cross join lateral (
                 select s.id from stream.stream_sessions as s where s.state <> 'ended'
                 union all
                 select s.id from stream.stream_sessions as s where s.state = 'ended' and s.ended_at > l.upto
             ) as s
         ), sums as materialized (
             select l.upto, l.passed_s, l.messages as old_messages, l.frames as old_frames,
                 l.ended_messages + g.messages as ended_messages, l.ended_frames + g.frames as ended_frames,
                 l.ended_messages + g.messages + n.messages as messages, l.ended_frames + g.frames + n.frames as frames
             from last as l cross join gone as g cross join here as n
         )
         update stream.figures as f
         set sampled_at = now(), ended_upto = c.upto, ended_messages = c.ended_messages, ended_frames = c.ended_frames,
             messages = c.messages, frames = c.frames,
             messages_per_s = case when c.passed_s > 0
                 then greatest(c.messages - c.old_messages, 0) / c.passed_s else 0 end,
             frames_per_s = case when c.passed_s > 0
                 then greatest(c.frames - c.old_frames, 0) / c.passed_s else 0 end
         from sums as c
         where f.id";
}

/// What a rule did in a round; a verdict of `session_timeouts` stands as a rule of its own, which does not run.
pub struct Outcome {
    pub tally: Tally,
    pub has_run: bool,
}

/// Whether a round did something, or five seconds have passed since the last sample. Writes and locks nothing.
pub fn are_due(outcomes: &[Outcome]) -> Result<bool> {
    let has_worked = outcomes
        .iter()
        .any(|outcome| outcome.tally.rows > 0 || outcome.tally.oldest_age.is_some());
    Ok(has_worked || spi::first(&IS_SAMPLE_DUE, &[])? == Some(true))
}

/// Writes what a round did, and samples the logs when that is due.
pub fn record(outcomes: &[Outcome]) -> Result<()> {
    if !outcomes.is_empty() {
        let tallies = outcomes.iter().map(|outcome| &outcome.tally);
        let rules: Vec<String> = tallies.clone().map(|tally| tally.rule.to_owned()).collect();
        let rows: Vec<i64> = tallies.clone().map(|tally| i64::from(tally.rows)).collect();
        let ages_us: Vec<i64> = tallies
            .map(|tally| {
                let age_us = tally.oldest_age.as_ref().map(|age| age.as_micros());
                age_us.map_or(-1, |age_us| {
                    i64::try_from(age_us).unwrap_or(i64::MAX).max(0)
                })
            })
            .collect();
        let ran: Vec<String> = outcomes
            .iter()
            .filter(|outcome| outcome.has_run)
            .map(|outcome| outcome.tally.rule.to_owned())
            .collect();
        let arguments = [rules.into(), rows.into(), ages_us.into(), ran.into()];
        spi::execute(&WRITE_RULES, &arguments)?;
    }
    spi::execute(&SAMPLE, &[]).map(|_| ())
}
