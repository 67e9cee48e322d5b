//! Reactions: who may react and how often, what is broadcast, and that nothing stays.

mod endings;
mod properties;
mod rules;
mod totals;
