//! A model of streams under the governor, second by second, and of the meter by which Realtime judges them.

mod stream;

pub use stream::{Second, Stream};

use crate::governor::{AVERAGE_S, BUCKET_S, Budget, MIN_VIEWERS_WINDOW_MS, Plan, Session, plan};

/// All streams of a marketplace, and its meter.
pub struct World {
    pub streams: Vec<Stream>,
    pub now_s: u64,
    limit_per_s: u32,
    share_percent: u32,
    /// The last minute, second by second: all messages, and those that never wait.
    seconds: Vec<(u64, u64)>,
    /// Twelve buckets of 5 s and the present one, as the plan is told of them.
    buckets: Vec<(u64, u64)>,
}

impl World {
    pub fn new(limit_per_s: u32, share_percent: u32) -> Self {
        Self {
            streams: Vec::new(),
            now_s: 0,
            limit_per_s,
            share_percent,
            seconds: vec![(0, 0); 60],
            buckets: vec![(0, 0); 13],
        }
    }

    pub fn now_ms(&self) -> u64 {
        self.now_s * 1000
    }

    /// All messages of the last 60 s, and those of them that never wait.
    pub fn last_minute(&self) -> (u64, u64) {
        let sum = |(all, urgent), second: &(u64, u64)| (all + second.0, urgent + second.1);
        self.seconds.iter().fold((0, 0), sum)
    }

    /// Plays one second and then plans the next. `happens` returns what each stream does; `urgent` is what never waits.
    pub fn second(
        &mut self,
        urgent: u64,
        mut happens: impl FnMut(usize, &Stream) -> Second,
    ) -> Plan {
        let now_ms = self.now_ms();
        let mut spent = urgent;
        for (number, stream) in self.streams.iter_mut().enumerate() {
            let second = happens(number, stream);
            spent += stream.play(now_ms, &second);
        }
        self.count(spent, urgent);
        self.now_s += 1;
        self.plan()
    }

    fn count(&mut self, spent: u64, urgent: u64) {
        let second = usize::try_from(self.now_s % AVERAGE_S).expect("below 60");
        self.seconds[second] = (spent, urgent);
        if self.now_s.is_multiple_of(BUCKET_S) {
            self.buckets.remove(0);
            self.buckets.push((0, 0));
        }
        let bucket = self.buckets.last_mut().expect("thirteen");
        bucket.0 += spent;
        bucket.1 += urgent;
    }

    fn plan(&mut self) -> Plan {
        let now_ms = self.now_ms();
        let sessions: Vec<Session> = self
            .streams
            .iter_mut()
            .map(|stream| stream.measured(now_ms))
            .collect();
        let budget = Budget {
            limit_per_s: self.limit_per_s,
            share_percent: self.share_percent,
            spent: self.buckets.iter().map(|bucket| bucket.0).sum(),
            urgent: self.buckets.iter().map(|bucket| bucket.1).sum(),
        };
        let plan = plan(&budget, &sessions);
        for (stream, windows) in self.streams.iter_mut().zip(&plan.windows) {
            assert!(
                windows.viewers_window_ms == 0 || windows.viewers_window_ms > MIN_VIEWERS_WINDOW_MS
            );
            stream.windows = *windows;
        }
        plan
    }
}
