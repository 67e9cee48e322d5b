//! What Realtime counts for streams, and what that costs a month, with and without coalescing.
//!
//! Realtime counts one message for each broadcast and one for each channel that receives it. Everything is computed in
//! whole numbers, rates in thousandths a second, from the windows that [`stream_core::governor`] decides.

mod documents;
mod figures;
mod load;
mod plot;
mod realtime_plan;
mod report;
mod traffic;

pub use documents::{Document, documents};
pub use load::{Load, thousandths};
pub use realtime_plan::{PLANS, RealtimePlan};
pub use report::report;
pub use traffic::Traffic;

#[cfg(test)]
mod tests;
