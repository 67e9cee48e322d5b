//! Who calls: those who sell, watch and write, the service, and nobody who signed in.

use stream_tests::demo;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Seller,
    Ada,
    Ben,
    Cleo,
    Service,
    Anonymous,
}

impl Caller {
    pub const ALL: [Self; 6] = [
        Self::Seller,
        Self::Ada,
        Self::Ben,
        Self::Cleo,
        Self::Service,
        Self::Anonymous,
    ];

    /// Whoever signed in, and the service.
    pub const KNOWN: [Self; 5] = [
        Self::Seller,
        Self::Ada,
        Self::Ben,
        Self::Cleo,
        Self::Service,
    ];

    pub fn user(self) -> Option<Uuid> {
        match self {
            Self::Seller => Some(demo::SELLER),
            Self::Ada => Some(demo::ADA),
            Self::Ben => Some(demo::BEN),
            Self::Cleo => Some(demo::CLEO),
            Self::Service | Self::Anonymous => None,
        }
    }
}
