//! The two editions of schema `stream_ext`, beside each other.

mod admission;
mod callers;
mod collations;
mod decisions;
mod differential;
mod isolation;
mod minting;
mod moving;
mod notices;
mod planning;
mod raised;
mod refusals;
mod refused_operations;
mod retries;
mod search_paths;
mod signatures;
mod texts;
