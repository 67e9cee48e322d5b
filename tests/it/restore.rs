//! After a restore: another epoch, and clients that resynchronise.

mod dump;
mod new_epoch;
mod timeline;
