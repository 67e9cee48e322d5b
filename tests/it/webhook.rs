//! Agora's notices about hosts.

mod bystanders;
mod host_notices;
mod late_notices;
mod order;
mod races;
mod receiving;
