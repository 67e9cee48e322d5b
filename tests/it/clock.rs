//! The server's clock: set back, wrong, and the time zones of sessions.

mod set_back;
mod times_in_utc;
mod wrong;
