//! The server's clock: set back, wrong, and the time zones of sessions.

mod set_back;
mod set_back_checks;
mod set_back_quota;
mod times_in_utc;
mod wrong;
