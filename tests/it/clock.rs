//! The server's clock: set back, wrong, and the time zones of sessions.

mod set_back;
mod utc;
mod wrong;
