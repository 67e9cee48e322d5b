//! Delays and limits of Realtime, under the names that the real server gives them where it has any; without a variable they
//! are its own.

use std::time::Duration;

/// The settings of Realtime that a test may shorten and a developer may limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealtimeConfig {
    /// The time for which a refused join is held back.
    pub channel_error_backoff: Duration,
    /// The time for which a refused handshake is held back.
    pub connect_error_backoff: Duration,
    /// The time after which a socket without a channel is cut.
    pub no_channel_timeout: Duration,
    /// The time after which a socket is closed whose client sends nothing.
    pub idle_timeout: Duration,
    /// The time for which a client waits until the rows of the database flow.
    pub replication_ready_timeout: Duration,
    /// The first pause before a broken message stream is made anew; doubled up to 5 minutes.
    pub replication_retry: Duration,
    /// Messages per second, counted once for each send and once for each channel that gets it; `None` is no limit.
    pub events_per_second: Option<u32>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} must be a whole number")]
pub struct NotANumber(&'static str);

impl Default for RealtimeConfig {
    fn default() -> Self {
        Self {
            channel_error_backoff: Duration::from_millis(5_000),
            connect_error_backoff: Duration::from_millis(2_000),
            no_channel_timeout: Duration::from_millis(600_000),
            idle_timeout: Duration::from_millis(60_000),
            replication_ready_timeout: Duration::from_millis(60_000),
            replication_retry: Duration::from_millis(5_000),
            events_per_second: None,
        }
    }
}

impl RealtimeConfig {
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, NotANumber> {
        let number = |name: &'static str| -> Result<Option<u32>, NotANumber> {
            variable(name)
                .map(|text| text.parse().map_err(|_| NotANumber(name)))
                .transpose()
        };
        let delay = |name, default| -> Result<Duration, NotANumber> {
            let given = number(name)?.map(|number| Duration::from_millis(number.into()));
            Ok(given.unwrap_or(default))
        };
        let default = Self::default();
        Ok(Self {
            channel_error_backoff: delay(
                "CHANNEL_ERROR_BACKOFF_MS",
                default.channel_error_backoff,
            )?,
            connect_error_backoff: delay(
                "CONNECT_ERROR_BACKOFF_MS",
                default.connect_error_backoff,
            )?,
            no_channel_timeout: delay("NO_CHANNEL_TIMEOUT_IN_MS", default.no_channel_timeout)?,
            idle_timeout: delay("IDLE_TIMEOUT_MS", default.idle_timeout)?,
            replication_ready_timeout: delay(
                "REPLICATION_READY_TIMEOUT_MS",
                default.replication_ready_timeout,
            )?,
            replication_retry: delay("REPLICATION_RETRY_MS", default.replication_retry)?,
            events_per_second: number("TENANT_MAX_EVENTS_PER_SECOND")?.filter(|&limit| limit > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_variables_the_delays_are_those_of_the_real_server() {
        let config = RealtimeConfig::from_variables(|_| None).unwrap();
        assert_eq!(config, RealtimeConfig::default());
        assert_eq!(config.channel_error_backoff.as_secs(), 5);
        assert_eq!(config.connect_error_backoff.as_secs(), 2);
        assert_eq!(config.no_channel_timeout.as_secs(), 600);
        assert_eq!(config.idle_timeout.as_secs(), 60);
        assert_eq!(config.replication_ready_timeout.as_secs(), 60);
        assert_eq!(config.events_per_second, None);
    }

    #[test]
    fn every_variable_is_read_and_what_is_no_number_is_refused() {
        let config = RealtimeConfig::from_variables(|_| Some("7".to_owned())).unwrap();
        let seven = Duration::from_millis(7);
        assert_eq!(
            config,
            RealtimeConfig {
                channel_error_backoff: seven,
                connect_error_backoff: seven,
                no_channel_timeout: seven,
                idle_timeout: seven,
                replication_ready_timeout: seven,
                replication_retry: seven,
                events_per_second: Some(7),
            }
        );
        let refused = RealtimeConfig::from_variables(|_| Some("5 s".to_owned()));
        assert!(refused.is_err());
        let unlimited = RealtimeConfig::from_variables(|_| Some("0".to_owned())).unwrap();
        assert_eq!(unlimited.events_per_second, None);
    }
}
