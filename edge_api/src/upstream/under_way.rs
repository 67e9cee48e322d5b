//! Counting of work whose callers may have gone, so that the end of the process can wait for it.

use tokio::sync::watch;

/// Work that is counted; a clone counts together with it.
#[derive(Clone, Default)]
pub(super) struct UnderWay(watch::Sender<usize>);

/// A piece of work, until this is dropped.
pub(super) struct Counted(watch::Sender<usize>);

impl UnderWay {
    pub(super) fn begin(&self) -> Counted {
        self.0.send_modify(|count| *count += 1);
        Counted(self.0.clone())
    }

    /// Returns when none is left.
    pub(super) async fn finish(&self) {
        let mut count = self.0.subscribe();
        // The sender is this one's own.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
