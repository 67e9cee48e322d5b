//! Checks of the source tree itself: no crate's files import each other in a circle.

mod circles;
mod graph;
mod javascript;
mod sources;
