//! Waiting for what happens by itself: asking again after a pause, until a deadline that only a failure meets.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio_postgres::Client;

/// Far more than anything should take, so that only a failure is ever waited for so long.
const DEADLINE: Duration = Duration::from_secs(60);

/// Doubled each time up to the longest: most of what is waited for is there at once, and the rest has the processor.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);

/// Returns the first value that `ask` has.
pub async fn wait_for<T>(
    what: impl Display,
    ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    wait_within(DEADLINE, what, ask).await
}

/// Like [`wait_for`], for what happens once in a longer while.
pub async fn wait_within<T>(
    limit: Duration,
    what: impl Display,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(value) = ask().await? {
            return Ok(value);
        }
        ensure!(Instant::now() < deadline, "{what}: not in {limit:?}");
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Returns once a query, whose one column is a boolean, is true.
pub async fn wait_until(client: &Client, query: &str) -> Result<()> {
    wait_until_within(DEADLINE, client, query).await
}

/// Like [`wait_until`], for what happens once in a longer while.
pub async fn wait_until_within(limit: Duration, client: &Client, query: &str) -> Result<()> {
    wait_within(limit, query, async || {
        let row = client.query_opt(query, &[]).await?;
        let is_true = row.is_some_and(|row| row.get::<_, Option<bool>>(0) == Some(true));
        Ok(is_true.then_some(()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_late_is_waited_for_and_what_never_comes_is_named() -> Result<()> {
        let mut asked = 0;
        let came = wait_for("the third time", async || {
            asked += 1;
            Ok((asked == 3).then_some("there"))
        });
        assert_eq!(came.await?, "there");
        let never = async || Ok(None::<()>);
        let failed = wait_within(Duration::ZERO, "what never comes", never).await;
        assert!(failed.is_err_and(|error| error.to_string().contains("what never comes")));
        Ok(())
    }
}
