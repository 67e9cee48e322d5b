//! One user or moderator who acts in a loop.

mod joins;
mod leases;
mod sellers_and_moderators;
mod starts;
