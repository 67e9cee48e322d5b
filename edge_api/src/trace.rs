//! The trace that a request belongs to, by the header `traceparent` of W3C Trace Context.

use std::fmt;

use axum::http::{HeaderMap, HeaderName};

pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Comes with it, where a vendor adds something of its own; not read.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The length of version 00: version, trace id, parent id and flags, with hyphens between.
const LENGTH: usize = 55;

/// The place of a request in its caller's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: Id<16>,
    parent_id: Id<8>,
}

/// The ids of the work on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    pub trace_id: Id<16>,
    pub span_id: Id<8>,
    /// The caller's span; none: the trace begins here.
    pub parent_id: Option<Id<8>>,
}

/// An id of so many bytes, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id<const N: usize>([u8; N]);

impl TraceParent {
    /// The caller's, when it sends exactly one header and that is well formed. Any other is as none: then
    /// the trace begins here, as the recommendation demands.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        match values.next() {
            Some(_) => None,
            None => Self::parse(value.as_bytes()),
        }
    }

    /// Reads version 00, and of a later version the part that it must share with it.
    fn parse(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let version = Id::<1>::parse(&known[..2]).map_or(0, |id| id.0[0]);
        let is_version = known[..2].iter().all(is_lower_hex) && version != 0xff;
        let rest_is_allowed = rest.is_empty() || (version != 0 && rest[0] == b'-');
        let has_hyphens = [2, 35, 52].iter().all(|&position| known[position] == b'-');
        let has_flags = known[53..].iter().all(is_lower_hex);
        if !(is_version && rest_is_allowed && has_hyphens && has_flags) {
            return None;
        }
        Some(Self {
            trace_id: Id::parse(&known[3..35])?,
            parent_id: Id::parse(&known[36..52])?,
        })
    }
}

impl Trace {
    /// Continues the caller's trace, or begins one.
    pub fn continuing(parent: Option<TraceParent>) -> Self {
        Self {
            trace_id: parent.map_or_else(Id::random, |parent| parent.trace_id),
            span_id: Id::random(),
            parent_id: parent.map(|parent| parent.parent_id),
        }
    }
}

impl<const N: usize> Id<N> {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; N];
        for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = lower_hex(digits[0])? << 4 | lower_hex(digits[1])?;
        }
        (bytes != [0; N]).then_some(Self(bytes))
    }

    fn random() -> Self {
        let mut bytes = [0; N];
        // Without randomness the id is only less unique, which a log line survives.
        let _ = getrandom::fill(&mut bytes);
        bytes[0] |= u8::from(bytes == [0; N]);
        Self(bytes)
    }
}

fn lower_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn is_lower_hex(digit: &u8) -> bool {
    lower_hex(*digit).is_some()
}

impl<const N: usize> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn read(values: &[&str]) -> Option<Trace> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_str(value).expect("a header"));
        }
        TraceParent::of(&headers).map(|parent| Trace::continuing(Some(parent)))
    }

    #[test]
    fn a_trace_is_continued_with_a_span_of_its_own() {
        for flags in ["00", "01", "ff"] {
            let parent = format!("{}{flags}", &PARENT[..53]);
            let trace = read(&[&parent]).expect("a trace");
            assert_eq!(trace.trace_id.to_string(), &PARENT[3..35]);
            assert_eq!(
                trace.parent_id.expect("a parent").to_string(),
                &PARENT[36..52]
            );
            assert_ne!(Some(trace.span_id), trace.parent_id);
        }
    }

    #[test]
    fn a_later_version_may_say_more_and_this_one_may_not() {
        for later in [
            format!("01{}", &PARENT[2..]),
            format!("cc{}-more", &PARENT[2..]),
        ] {
            assert!(read(&[&later]).is_some(), "{later}");
        }
        for wrong in [
            format!("{PARENT}-more"),
            format!("{PARENT}-"),
            format!("cc{}more", &PARENT[2..]),
            format!("ff{}", &PARENT[2..]),
        ] {
            assert_eq!(read(&[&wrong]), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_not_well_formed_begins_a_trace() {
        let zeros = "0".repeat(32);
        for wrong in [
            String::new(),
            PARENT[..54].to_owned(),
            PARENT.to_uppercase(),
            PARENT.replace('-', "_"),
            PARENT.replacen("00", "0x", 1),
            PARENT.replace("-01", "-0g"),
            PARENT.replace(&PARENT[3..35], &zeros),
            PARENT.replace(&PARENT[36..52], &zeros[..16]),
            format!(" {}", &PARENT[..54]),
        ] {
            assert_eq!(read(&[&wrong]), None, "{wrong}");
        }
        assert_eq!(read(&[PARENT, PARENT]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_trace_that_begins_here_has_ids_of_its_own() {
        let (one, other) = (Trace::continuing(None), Trace::continuing(None));
        assert_ne!(one.trace_id, other.trace_id);
        assert_ne!(one.span_id, other.span_id);
        assert_eq!(one.parent_id, None);
        assert_eq!(one.trace_id.to_string().len(), 32);
    }
}
