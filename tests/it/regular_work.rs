//! Regular work: sweeps, retention, the background worker and pg_cron.

mod pg_cron;
mod retention;
mod sweep_crash;
mod sweep_ended_streams;
mod sweep_plans;
mod sweep_races;
mod sweep_rules;
mod tick_loop;
mod worker;
