//! Whom the limits count, and whom they leave alone.

use super::*;

fn client(address: &str) -> Client {
    Client::Address(address.parse().expect("an address"))
}

fn limits(user_per_s: u32, address_per_s: u32) -> Limits {
    Limits::new(&LimitSettings {
        user_per_s,
        address_per_s,
        failures_per_minute: 1,
    })
}

#[test]
fn an_address_is_limited_and_a_trusted_proxy_is_not() {
    let limits = limits(0, 1);
    let burst = usize::try_from(BURST_S).expect("a small number");
    for _ in 0..burst {
        assert!(limits.admit_client(client("192.0.2.1")).is_ok());
    }
    let refusal = limits.admit_client(client("192.0.2.1")).expect_err("more");
    assert_eq!(refusal.status(), 429);
    assert!(limits.admit_client(client("192.0.2.2")).is_ok());
    for _ in 0..=burst {
        assert!(limits.admit_client(Client::Proxy).is_ok());
    }
}

#[test]
fn the_service_has_no_rate_and_0_is_no_limit() {
    let service = Caller::service();
    let limits = limits(1, 0);
    for _ in 0..10 {
        assert!(limits.admit_caller(&service).is_ok());
        assert!(limits.admit_client(client("192.0.2.1")).is_ok());
    }
}

#[test]
fn two_addresses_of_one_ipv6_customer_share_their_rate() {
    let limits = limits(0, 0);
    assert!(limits.admit_failure(client("2001:db8::1")).is_ok());
    assert!(limits.admit_failure(client("2001:db8::2")).is_err());
}
