//! One user or moderator who acts in a loop.

mod joins;
mod moves;
mod places;
