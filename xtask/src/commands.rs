//! The commands of `cargo x`, one file each.

pub mod bench;
pub mod ci;
pub mod client;
pub mod cost;
pub mod demo;
pub mod down;
pub mod ext;
pub mod fixtures;
pub mod generate;
pub mod psql;
pub mod sql;
pub mod test;
pub mod up;
pub mod url;
pub mod verify_agora;

use anyhow::Result;

/// Fails when arguments are left that the command does not take.
fn expect_end(mut arguments: lexopt::Parser) -> Result<()> {
    match arguments.next()? {
        Some(other) => Err(other.unexpected().into()),
        None => Ok(()),
    }
}
