//! A model of streams under the governor, second by second, and of the meter by which Realtime judges them.

use crate::governor::{
    AVERAGE_S, BUCKET_S, Budget, MIN_VIEWERS_WINDOW_MS, MIN_WINDOW_MS, Plan, Session,
    averaged_rate, plan, viewer_events,
};

/// The interval of ticks, in milliseconds.
const TICK_MS: u64 = 50;

/// A stream, its windows, and what it has done.
#[derive(Debug, Clone)]
pub struct Stream {
    pub channels: u32,
    pub frames: u64,
    /// The longest that an entry has waited for its frame.
    pub longest_wait_ms: u64,
    window_ms: u32,
    open_ms: u32,
    viewers_window_ms: u32,
    poll_ms: Option<u32>,
    last_frame_ms: u64,
    last_count_ms: u64,
    waiting_since_ms: Option<u64>,
    is_count_waiting: bool,
    entries: u64,
    rate: u32,
    count_rate: u32,
}

impl Stream {
    pub fn new(channels: u32, now_ms: u64) -> Self {
        Self {
            channels,
            frames: 0,
            longest_wait_ms: 0,
            window_ms: MIN_WINDOW_MS,
            open_ms: MIN_WINDOW_MS,
            viewers_window_ms: 0,
            poll_ms: None,
            last_frame_ms: now_ms.saturating_sub(60_000),
            last_count_ms: now_ms.saturating_sub(60_000),
            waiting_since_ms: None,
            is_count_waiting: false,
            entries: 0,
            rate: 0,
            count_rate: 0,
        }
    }

    pub fn window_ms(&self) -> u32 {
        self.window_ms
    }

    pub fn is_polled(&self) -> bool {
        self.poll_ms.is_some()
    }

    fn cost(&self) -> u64 {
        u64::from(self.channels) + 1
    }

    /// Plays a second from `now_ms`, in which entries are logged at `times_ms`; returns what the frames cost.
    fn play(&mut self, now_ms: u64, times_ms: &[u64]) -> u64 {
        let mut spent = 0;
        for at_ms in times_ms {
            spent += self.send_due(now_ms, *at_ms);
            self.entries += 1;
            if self.waiting_since_ms.is_none() {
                self.waiting_since_ms = Some(*at_ms);
                // An entry goes out with its own transaction once the window has passed.
                if *at_ms >= self.last_frame_ms + u64::from(self.open_ms) {
                    spent += self.send(*at_ms);
                }
            }
        }
        spent + self.send_due(now_ms, now_ms + 999)
    }

    /// Lets the ticker send what waits, at the first tick after the window.
    fn send_due(&mut self, from_ms: u64, until_ms: u64) -> u64 {
        let Some(since_ms) = self.waiting_since_ms else {
            return 0;
        };
        // A plan may have made the open window shorter than what has passed of it.
        let due_ms = since_ms
            .max(from_ms)
            .max(self.last_frame_ms + u64::from(self.open_ms));
        let due_ms = due_ms.div_ceil(TICK_MS) * TICK_MS;
        if due_ms > until_ms {
            return 0;
        }
        self.send(due_ms)
    }

    fn send(&mut self, at_ms: u64) -> u64 {
        let since_ms = self.waiting_since_ms.take().unwrap_or(at_ms);
        self.longest_wait_ms = self.longest_wait_ms.max(at_ms - since_ms);
        self.last_frame_ms = at_ms;
        self.open_ms = self.window_ms;
        self.frames += 1;
        self.cost()
    }

    /// Broadcasts the viewer count, if it waits and its window has passed.
    fn send_count(&mut self, now_ms: u64, has_changed: bool) -> u64 {
        self.is_count_waiting |= has_changed;
        self.count_rate = averaged_rate(self.count_rate, u64::from(has_changed), 1000);
        let passed_ms = now_ms - self.last_count_ms;
        if !self.is_count_waiting || passed_ms < u64::from(self.viewers_window_ms) {
            return 0;
        }
        self.is_count_waiting = false;
        self.last_count_ms = now_ms;
        self.cost()
    }

    fn measured(&mut self, now_ms: u64) -> Session {
        let since = |at_ms: u64| u32::try_from(now_ms.saturating_sub(at_ms)).unwrap_or(u32::MAX);
        self.rate = averaged_rate(self.rate, std::mem::take(&mut self.entries), 1000);
        Session {
            channels: self.channels,
            entries_per_1000_s: self.rate,
            since_frame_ms: since(self.last_frame_ms),
            open_ms: self.open_ms,
            window_ms: self.window_ms,
            viewer_events: viewer_events(
                [self.count_rate, 0],
                since(self.last_count_ms),
                self.viewers_window_ms,
            ),
            since_viewers_ms: since(self.last_count_ms),
            viewers_window_ms: self.viewers_window_ms,
        }
    }
}

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
    pub highest_per_minute: u64,
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
            highest_per_minute: 0,
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

    /// Plays one second and then plans the next. `entries` returns when a stream's entries are logged, in ascending
    /// order, and whether its viewers change; `urgent` is what never waits.
    pub fn second(
        &mut self,
        urgent: u64,
        mut entries: impl FnMut(usize, &Stream) -> (Vec<u64>, bool),
    ) -> Plan {
        let now_ms = self.now_ms();
        let mut spent = urgent;
        for (number, stream) in self.streams.iter_mut().enumerate() {
            let (times_ms, has_changed) = entries(number, stream);
            spent += stream.play(now_ms, &times_ms);
            spent += stream.send_count(now_ms + 999, has_changed);
        }
        self.count(spent, urgent);
        self.now_s += 1;
        self.plan()
    }

    fn count(&mut self, spent: u64, urgent: u64) {
        let second = usize::try_from(self.now_s % AVERAGE_S).expect("below 60");
        self.seconds[second] = (spent, urgent);
        self.highest_per_minute = self.highest_per_minute.max(self.last_minute().0);
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
            stream.window_ms = windows.window_ms;
            stream.open_ms = windows.open_ms;
            stream.poll_ms = windows.poll_ms;
            stream.viewers_window_ms = windows.viewers_window_ms;
        }
        plan
    }
}
