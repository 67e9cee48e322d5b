//! Attack tests: hostile callers, holders of locks and faults.

mod catalogue;
mod edge;
mod errors;
mod operations;
mod rate;
mod regular_work;
mod session;
mod waiting;
