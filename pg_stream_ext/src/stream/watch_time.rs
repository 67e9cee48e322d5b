//! The time that a viewer has watched, as SQL text.

/// Milliseconds that viewer `v` has watched in the present lease, up to a moment.
macro_rules! watched_ms {
    ($until:literal) => {
        concat!(
            "greatest(0, (extract(epoch from ",
            $until,
            " - v.joined_at) * 1000)::bigint)"
        )
    };
}
pub(crate) use watched_ms;
