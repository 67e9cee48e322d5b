//! Agora's notices about hosts.

mod host_notices;
mod ineffective_notices;
mod late_notices;
mod order;
mod races;
mod receiving;
