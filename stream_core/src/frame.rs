//! Chat frames: their form on the wire and their size.
//!
//! A frame carries a run of log entries without a hole, so that a client finds every gap by
//! comparing `from_seq` with the `to_seq` it saw last.

/// Entries in one frame, at most.
pub const MAX_ENTRIES: usize = 100;

/// Bytes of the entries of one frame, at most, unless a single entry is larger. Realtime's smallest
/// plan drops payloads over 256 KB; half of that leaves room for its envelope.
pub const MAX_BYTES: usize = 128 * 1024;

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
}

/// Cuts entries into runs that each fit one frame, in order, none left out.
pub fn split(entries: &[Entry]) -> impl Iterator<Item = &[Entry]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (run, tail) = rest.split_at(fitting(rest));
        rest = tail;
        Some(run)
    })
}

/// The number of first entries that fit; at least one.
fn fitting(entries: &[Entry]) -> usize {
    let mut bytes = 0;
    entries
        .iter()
        .take(MAX_ENTRIES)
        .take_while(|entry| {
            bytes += entry.json.len() + 1;
            bytes <= MAX_BYTES
        })
        .count()
        .max(1)
}

/// The payload of event `messages`; none when there are no entries.
pub fn payload(header: &Header<'_>, entries: &[Entry]) -> Option<String> {
    let (first, last) = (entries.first()?, entries.last()?);
    let messages: Vec<&str> = entries.iter().map(|entry| entry.json.as_str()).collect();
    Some(format!(
        r#"{{"v":1,"session_id":"{}","epoch":"{}","from_seq":{},"to_seq":{},"head_seq":{},"server_time":{},"messages":[{}]}}"#,
        header.session_id,
        header.epoch,
        first.seq,
        last.seq,
        header.head_seq,
        header.server_time_json,
        messages.join(","),
    ))
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
        split(&entries(sizes)).map(<[Entry]>::len).collect()
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
        let header = Header {
            session_id: "s",
            epoch: "e",
            head_seq: 9,
            server_time_json: r#""2026-01-01T00:00:00Z""#,
        };
        let payload: serde_json::Value =
            serde_json::from_str(&payload(&header, &entries).unwrap()).unwrap();
        assert_eq!(
            payload,
            serde_json::json!({
                "v": 1, "session_id": "s", "epoch": "e", "from_seq": 7, "to_seq": 8, "head_seq": 9,
                "server_time": "2026-01-01T00:00:00Z", "messages": [{"seq": 7}, {"seq": 8}],
            })
        );
    }
}
