//! The durations of requests, by route, method and class of status.
//!
//! A series is made when its first request ends, and then found without an allocation.

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use axum::http::Method;
use metrics::{Histogram, histogram};

use crate::metrics::REQUEST_DURATION;

/// Any other method is one label, since a caller may invent as many as they like.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
];
const OTHER: &str = "other";

/// Classes of status; the last is that of a client who has gone before there was one.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "gone"];
const GONE: usize = CLASSES.len() - 1;

type Series = [[OnceLock<Histogram>; CLASSES.len()]; METHODS.len() + 1];

/// The series of each route that was asked for; the routes are the router's patterns, so they are few.
#[derive(Default)]
pub(super) struct Routes(RwLock<HashMap<String, Series>>);

impl Routes {
    /// Without a status the client has gone.
    pub(super) fn record(
        &self,
        route: &str,
        method: &Method,
        status: Option<u16>,
        duration: Duration,
    ) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = known.get(route) {
            return record(series, route, method, status, duration);
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let series = known.entry(route.to_owned()).or_default();
        record(series, route, method, status, duration);
    }
}

fn record(series: &Series, route: &str, method: &Method, status: Option<u16>, duration: Duration) {
    let mut methods = METHODS.iter();
    let method = methods.position(|known| known == method);
    let method = method.unwrap_or(METHODS.len());
    let class = status.map_or(GONE, |status| usize::from(status / 100).clamp(1, GONE) - 1);
    let durations = series[method][class].get_or_init(|| {
        histogram!(
            REQUEST_DURATION,
            "route" => route.to_owned(),
            "method" => METHODS.get(method).map_or(OTHER, Method::as_str).to_owned(),
            "status" => CLASSES[class],
        )
    });
    durations.record(duration);
}
