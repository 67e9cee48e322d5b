//! People and auctions that are in every database from the start (`supabase/seed.sql`).

use uuid::Uuid;

pub const SELLER: Uuid = user(1);
/// The buyer whose public name is `ada`.
pub const ADA: Uuid = user(2);
pub const BEN: Uuid = user(3);
pub const CLEO: Uuid = user(4);

/// The seller's auction.
pub const AUCTION: Uuid = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_00a1);

const fn user(number: u128) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0000 + number)
}
