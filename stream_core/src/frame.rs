//! Chat frames: their form on the wire and their size.
//!
//! A frame carries a run of log entries without a hole, so that a client finds every gap by
//! comparing `from_seq` with the `to_seq` it saw last.

/// Entries in one frame, at most.
pub const MAX_ENTRIES: usize = 100;

/// Bytes of the entries of one frame, at most, unless a single entry is larger. Realtime's smallest
/// plan drops payloads over 256 KB; half of that leaves room for its envelope.
pub const MAX_BYTES: usize = 128 * 1024;

/// Entries of a frame that collects a long window, at most: one frame a window, however many were sent.
pub const MAX_ENTRIES_OF_WINDOW: usize = 500;

/// One log entry, already as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    pub json: String,
}

/// The members that all frames of one flush have in common.
#[derive(Debug)]
pub struct Header<'a> {
    pub session_id: &'a str,
    pub epoch: &'a str,
    /// The newest number of the log when the frame was written.
    pub head_seq: i64,
    /// A JSON string: when the frame was written.
    pub server_time_json: &'a str,
    /// How often clients may call `sync` until the next frame, while frames come rarely.
    pub poll_ms: Option<i32>,
}

/// Cuts entries into runs that each fit one frame, in order, none left out. `payload_bytes` is what Realtime admits.
pub fn split(entries: &[Entry], payload_bytes: usize) -> impl Iterator<Item = &[Entry]> {
    let max_bytes = MAX_BYTES.min(payload_bytes * 3 / 5);
    let mut rest = entries;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (run, tail) = rest.split_at(fitting(rest, max_bytes));
        rest = tail;
        Some(run)
    })
}

/// The number of first entries that fit; at least one.
fn fitting(entries: &[Entry], max_bytes: usize) -> usize {
    let mut bytes = 0;
    entries
        .iter()
        .take(MAX_ENTRIES)
        .take_while(|entry| {
            bytes += entry.json.len() + 1;
            bytes <= max_bytes
        })
        .count()
        .max(1)
}

/// The payload of event `messages`; none when there are no entries. Entries that Realtime would not admit together make
/// a [`digest`].
pub fn payload(header: &Header<'_>, entries: &[Entry], payload_bytes: usize) -> Option<String> {
    let (first, last) = (entries.first()?, entries.last()?);
    let messages: Vec<&str> = entries.iter().map(|entry| entry.json.as_str()).collect();
    let whole = text(header, first.seq, last.seq, &messages.join(","), false);
    Some(if is_admitted(&whole, payload_bytes) {
        whole
    } else {
        digest(header, first.seq, last.seq)
    })
}

/// The payload of a frame that names its entries by their numbers alone: clients call `sync` for them.
pub fn digest(header: &Header<'_>, from_seq: i64, to_seq: i64) -> String {
    text(header, from_seq, to_seq, "", true)
}

/// The least limit of a payload that can be configured.
pub const LEAST_PAYLOAD_BYTES: usize = 10_000;

/// Whether Realtime admits a payload. It measures Erlang's external form, in which a string takes five bytes beside its
/// text where JSON has two quotes.
pub fn is_admitted(payload: &str, payload_bytes: usize) -> bool {
    let quotes = || payload.bytes().filter(|byte| *byte == b'"').count();
    payload.len() * 3 <= payload_bytes || payload.len() + 2 * quotes() <= payload_bytes
}

fn text(
    header: &Header<'_>,
    from_seq: i64,
    to_seq: i64,
    messages: &str,
    is_digest: bool,
) -> String {
    let poll_ms = header
        .poll_ms
        .map_or_else(|| "null".to_owned(), |poll_ms| poll_ms.to_string());
    format!(
        r#"{{"v":1,"session_id":"{}","epoch":"{}","from_seq":{from_seq},"to_seq":{to_seq},"head_seq":{},"server_time":{},"messages":[{messages}],"poll_ms":{poll_ms},"digest":{is_digest}}}"#,
        header.session_id, header.epoch, header.head_seq, header.server_time_json,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sizes: &[usize]) -> Vec<Entry> {
        (1..)
            .zip(sizes)
            .map(|(seq, size)| Entry {
                seq,
                json: "7".repeat(*size),
            })
            .collect()
    }

    fn run_lengths(sizes: &[usize]) -> Vec<usize> {
        let entries = entries(sizes);
        split(&entries, 250_000).map(<[Entry]>::len).collect()
    }

    #[test]
    fn no_entries_make_no_frame() {
        assert!(run_lengths(&[]).is_empty());
    }

    #[test]
    fn a_frame_holds_at_most_a_hundred_entries() {
        assert_eq!(run_lengths(&[1; 250]), [100, 100, 50]);
    }

    #[test]
    fn a_frame_is_cut_before_it_grows_over_its_bytes() {
        assert_eq!(run_lengths(&[MAX_BYTES / 2; 3]), [1, 1, 1]);
        assert_eq!(run_lengths(&[MAX_BYTES / 2 - 1; 3]), [2, 1]);
    }

    #[test]
    fn an_entry_larger_than_a_frame_travels_alone() {
        assert_eq!(run_lengths(&[10, MAX_BYTES * 2, 10]), [1, 1, 1]);
    }

    #[test]
    fn a_payload_names_its_range_and_the_head() {
        let entries = [
            Entry {
                seq: 7,
                json: r#"{"seq":7}"#.into(),
            },
            Entry {
                seq: 8,
                json: r#"{"seq":8}"#.into(),
            },
        ];
        let payload: serde_json::Value =
            serde_json::from_str(&payload(&HEADER, &entries, 250_000).unwrap()).unwrap();
        assert_eq!(
            payload,
            serde_json::json!({
                "v": 1, "session_id": "s", "epoch": "e", "from_seq": 7, "to_seq": 8, "head_seq": 9,
                "server_time": "2026-01-01T00:00:00Z", "messages": [{"seq": 7}, {"seq": 8}],
                "poll_ms": null, "digest": false,
            })
        );
    }

    const HEADER: Header<'_> = Header {
        session_id: "s",
        epoch: "e",
        head_seq: 9,
        server_time_json: r#""2026-01-01T00:00:00Z""#,
        poll_ms: None,
    };

    #[test]
    fn entries_that_realtime_would_not_admit_make_a_digest() {
        let polled = Header {
            poll_ms: Some(5_000),
            ..HEADER
        };
        let large = payload(&polled, &entries(&[9_000, 9_000]), 10_000).unwrap();
        let large: serde_json::Value = serde_json::from_str(&large).unwrap();
        assert_eq!(
            large,
            serde_json::json!({
                "v": 1, "session_id": "s", "epoch": "e", "from_seq": 1, "to_seq": 2, "head_seq": 9,
                "server_time": "2026-01-01T00:00:00Z", "messages": [], "poll_ms": 5000, "digest": true,
            })
        );
        let small = payload(&polled, &entries(&[9_000]), 10_000).unwrap();
        assert!(small.contains(r#""digest":false"#));
    }

    #[test]
    fn quotes_count_as_realtime_counts_them() {
        let texts = Entry {
            seq: 1,
            json: format!("[{}0]", "\"\",".repeat(2_500)),
        };
        let digest = payload(&HEADER, &[texts], 12_000).unwrap();
        assert!(digest.contains(r#""digest":true"#));
        let number = Entry {
            seq: 1,
            json: "7".repeat(7_503),
        };
        let whole = payload(&HEADER, &[number], 12_000).unwrap();
        assert!(whole.contains(r#""digest":false"#));
    }

    #[test]
    fn a_frame_is_cut_by_a_smaller_limit_too() {
        let entries = entries(&[2_000; 5]);
        let lengths: Vec<usize> = split(&entries, 10_000).map(<[Entry]>::len).collect();
        assert_eq!(lengths, [2, 2, 1]);
    }
}
