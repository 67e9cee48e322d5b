//! Rates of requests: of each user, of each client address, and of its failed sign-ins.
//!
//! They protect this service's processor and the pool behind it from one caller; the rules of the product (slow mode,
//! starts, tokens) are the database's. Each copy of the service counts by itself.

mod keyed;

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::Quota;
use metrics::counter;
use uuid::Uuid;

use self::keyed::KeyedLimit;
use crate::caller::{Caller, Role};
use crate::client::Client;
use crate::error::ApiError;
use crate::metrics::RATE_LIMITED;

/// How much may be saved up, in seconds: an app that starts asks for much at once.
const BURST_S: u32 = 2;

/// The rates; 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests of one user. An app sends a heartbeat every 10 s and polls once a second at most.
    pub user_per_s: u32,
    /// Requests of one address, behind which a mobile network may have thousands of users.
    pub address_per_s: u32,
    /// Failed sign-ins of one address.
    pub failures_per_minute: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            user_per_s: 50,
            address_per_s: 500,
            failures_per_minute: 60,
        }
    }
}

/// The limiters of this copy of the service.
#[derive(Debug, Default)]
pub struct Limits {
    users: Option<KeyedLimit<Uuid>>,
    addresses: Option<KeyedLimit<IpAddr>>,
    failures: Option<KeyedLimit<IpAddr>>,
}

impl Limits {
    pub fn new(settings: &LimitSettings) -> Self {
        let per_second = |rate| NonZeroU32::new(rate).map(quota_per_second);
        let failures = NonZeroU32::new(settings.failures_per_minute).map(Quota::per_minute);
        Self {
            users: per_second(settings.user_per_s).map(KeyedLimit::new),
            addresses: per_second(settings.address_per_s).map(KeyedLimit::new),
            failures: failures.map(KeyedLimit::new),
        }
    }

    /// No limit at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Counts a request of a verified caller; the service role is free.
    pub fn admit_caller(&self, caller: &Caller) -> Result<(), ApiError> {
        let user = caller
            .user_id
            .filter(|_| caller.role == Role::Authenticated);
        check(self.users.as_ref(), user, "user")
    }

    /// Counts a request that came from an address.
    pub fn admit_client(&self, client: Client) -> Result<(), ApiError> {
        check(self.addresses.as_ref(), client.counted(), "address")
    }

    /// Counts a failed sign-in. Others behind the same address go on being served: only the failures themselves are
    /// refused.
    pub fn admit_failure(&self, client: Client) -> Result<(), ApiError> {
        check(self.failures.as_ref(), client.counted(), "failures")
    }
}

fn quota_per_second(rate: NonZeroU32) -> Quota {
    Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::new(BURST_S).expect("2")))
}

fn check<K: std::hash::Hash + Eq + Clone>(
    limit: Option<&KeyedLimit<K>>,
    key: Option<K>,
    name: &'static str,
) -> Result<(), ApiError> {
    let (Some(limit), Some(key)) = (limit, key) else {
        return Ok(());
    };
    limit.check(key).map_err(|wait| {
        counter!(RATE_LIMITED, "limit" => name).increment(1);
        ApiError::rate_limited(wait)
    })
}

#[cfg(test)]
mod tests;
