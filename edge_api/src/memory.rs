//! Giving back to the system what glibc's allocator keeps after a rush of connections.
//!
//! Buffers of connections lie between things that live longer, so the allocator cannot shrink its heaps by itself: ten
//! thousand connections left 130 MB behind, 10 MB of them in use.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

/// Often enough for memory that others on the machine wait for.
const INTERVAL: Duration = Duration::from_secs(5);

/// With less than this nothing is worth the walk through the heaps.
const SPARED_BYTES: u64 = 32 << 20;

/// The buffers of fewer connections are not worth it either, and come and go in a service that is only busy.
const RUSH: usize = 1000;

/// The connections of all servers of the process, since they share its heap.
pub(crate) static CONNECTIONS: Connections = Connections::new();

/// Open connections, and the most that there were since memory was given back.
#[derive(Debug)]
pub(crate) struct Connections {
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Connections {
    const fn new() -> Self {
        Self {
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        }
    }

    pub(crate) fn opened(&self) {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(open, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether a rush has ended since this was last true.
    fn have_fallen(&self) -> bool {
        let open = self.open.load(Ordering::Relaxed);
        let has_ended = self.most.load(Ordering::Relaxed).saturating_sub(open) >= RUSH;
        if has_ended {
            self.most.store(open, Ordering::Relaxed);
        }
        has_ended
    }
}

/// Gives memory back after each rush of connections, as long as the process lives.
pub async fn keep_trimmed() {
    let mut looks = interval(INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if CONNECTIONS.have_fallen() && resident_bytes().is_some_and(|bytes| bytes > SPARED_BYTES) {
            // Takes milliseconds for each hundred megabytes, in which no request's thread may stand still.
            let _ = spawn_blocking(trim).await;
        }
    }
}

/// Gives every free page back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn trim() {
    // SAFETY: the signature of glibc, which this target links; it takes no pointer and may be called at any time by any
    // thread.
    unsafe extern "C" {
        /// malloc_trim(3).
        safe fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    malloc_trim(0);
}

/// Other allocators do it by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn trim() {}

/// Resident memory: the second number of `/proc/self/statm`, in pages.
pub fn resident_bytes() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_after_each_rush() {
        let connections = Connections::new();
        let open = |count| (0..count).for_each(|_| connections.opened());
        let close = |count| (0..count).for_each(|_| connections.closed());
        open(RUSH + 500);
        assert!(!connections.have_fallen());
        close(RUSH - 1);
        // Others come and go, and are never many.
        for _ in 0..3 * RUSH {
            open(1);
            close(1);
        }
        assert!(!connections.have_fallen());
        close(1);
        assert!(connections.have_fallen());
        assert!(!connections.have_fallen());
        close(500);
        assert!(!connections.have_fallen());
        // A rush that begins and ends between two looks.
        open(RUSH);
        close(RUSH);
        assert!(connections.have_fallen());
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn memory_between_living_things_is_given_back() {
        let mut living = Vec::new();
        let mut buffers = Vec::new();
        for _ in 0..8_000 {
            buffers.push(vec![1_u8; 8 * 1024]);
            living.push(Box::new([1_u8; 64]));
        }
        drop(buffers);
        let before = resident_bytes().expect("Linux says");
        trim();
        let after = resident_bytes().expect("Linux says");
        // Of the 64 MB that were freed half are whole pages; other tests of this process take and free some beside it.
        assert!(
            after + (20 << 20) < before,
            "{before} before, {after} after"
        );
        drop(living);
    }
}
