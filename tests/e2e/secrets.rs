//! No secret, token or message reaches the server's log, the statistics of its statements or the logs of the
//! services.
//!
//! On a server of its own that logs every statement and whatever the extension says while it works.
//! What callers pass as parameters is not logged (`log_parameter_max_length = 0`): that would be the
//! operator's own choice, and no work of the product.

mod access;
mod messages;
mod stack;
mod tokens;

use anyhow::{Result, ensure};

use self::stack::Stack;

#[tokio::test]
async fn nothing_secret_is_logged_whatever_succeeds_or_fails() -> Result<()> {
    let mut stack = Stack::start().await?;
    access::use_all(&mut stack).await?;
    let minted = tokens::use_all(&mut stack).await?;
    ensure!(minted == 6, "{minted} tokens");
    messages::send_all(&mut stack).await?;
    stack.assert_nothing_leaked()
}
