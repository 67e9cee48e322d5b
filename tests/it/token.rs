//! Agora tokens: minting, refresh, renewal, inspection, certificates and rate.

mod certificate_file;
mod concurrency;
mod configuration;
mod expiring;
mod fencing;
mod inspection;
mod minting;
mod properties;
mod rate_limit;
mod refresh;
mod renewal;
mod renewal_writes;
mod rotation_files;
mod uids;
