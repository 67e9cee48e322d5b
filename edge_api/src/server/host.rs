//! The host that a request names: exactly one, in one way (RFC 9112, section 3.2).
//!
//! Proxies and servers that read two hosts differently are what attacks on caches and routes are made of. The service
//! itself serves every host alike, so it refuses what is ambiguous and looks at nothing else.

use axum::http::Version;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::error::ApiError;

const HTTP_PORT: u16 = 80;

/// Refuses HTTP/1.1 without a `Host` header, more than one of them, one that is no host, and a target in absolute form
/// that names another. RFC 9112 lets a server prefer the target then; no client sends such a request in good faith.
pub(super) fn check(head: &Parts) -> Result<(), ApiError> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        return if head.version >= Version::HTTP_11 {
            Err(ApiError::invalid("the request has no Host header"))
        } else {
            Ok(())
        };
    };
    if hosts.next().is_some() {
        return Err(ApiError::invalid("the request has two Host headers"));
    }
    let host = host.to_str().ok().and_then(parse);
    let host = host.ok_or_else(|| ApiError::invalid("the Host header is no host"))?;
    match head.uri.authority() {
        Some(target) if !is_same(target, &host) => Err(ApiError::invalid(
            "the request target names another host than the Host header",
        )),
        _ => Ok(()),
    }
}

/// A host with or without a port. An authority may also hold a user, which a host may not.
fn parse(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    (!text.contains('@') && !authority.host().is_empty()).then_some(authority)
}

fn is_same(one: &Authority, other: &Authority) -> bool {
    let port = |authority: &Authority| authority.port_u16().unwrap_or(HTTP_PORT);
    one.host().eq_ignore_ascii_case(other.host()) && port(one) == port(other)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn is_taken(version: Version, target: &str, hosts: &[&str]) -> bool {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        check(&head).is_ok()
    }

    #[test]
    fn exactly_one_host_is_taken() {
        for host in ["a.test", "a.test:8080", "127.0.0.1:80", "[::1]:80", "[::1]"] {
            assert!(is_taken(Version::HTTP_11, "/", &[host]), "{host}");
        }
        assert!(is_taken(Version::HTTP_10, "/", &[]));
        for hosts in [&[] as &[&str], &["a.test", "a.test"], &["a.test", "b.test"]] {
            assert!(!is_taken(Version::HTTP_11, "/", hosts), "{hosts:?}");
        }
        assert!(!is_taken(Version::HTTP_10, "/", &["a.test", "b.test"]));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in ["", "a b", "user@a.test", "a.test/path", "a.test, b.test"] {
            assert!(!is_taken(Version::HTTP_11, "/", &[host]), "{host}");
        }
    }

    #[test]
    fn a_target_in_absolute_form_names_the_same_host() {
        for (target, is_same) in [
            ("http://a.test/x", true),
            ("http://A.TEST:80/x", true),
            ("http://b.test/x", false),
            ("http://a.test:81/x", false),
        ] {
            let taken = is_taken(Version::HTTP_11, target, &["a.test"]);
            assert_eq!(taken, is_same, "{target}");
        }
    }
}
