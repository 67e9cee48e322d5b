//! The delivery canary: a subscriber like any client, which sees whether broadcasts of the database arrive.
//!
//! The regular work broadcasts a numbered event to one user every ten seconds. This signs in as that user, joins their
//! channel, and judges from what comes back and from what the database says of itself where the way is cut. The database
//! learns the verdict, so that `doctor()` shows it.

mod link;
mod protocol;
mod reports;
mod sign_in;
mod socket;
mod verdict;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use self::link::Link;
use self::sign_in::Account;
use crate::upstream::Upstream;

pub use self::sign_in::CanarySettings;
pub use self::verdict::State;

/// The tasks that watch; dropping it ends them.
#[derive(Debug)]
pub struct Canary {
    _tasks: JoinSet<()>,
}

impl Canary {
    /// Watches from now on. Without an account the state is unknown, and stays so.
    pub fn start(
        settings: Option<CanarySettings>,
        upstream: Arc<dyn Upstream>,
    ) -> Result<Self, reqwest::Error> {
        State::Unknown.show();
        let mut tasks = JoinSet::new();
        if let Some(settings) = settings {
            let account = Account::new(settings)?;
            let link = watch::Sender::new(Link::default());
            tasks.spawn(socket::keep_joined(account, link.clone()));
            tasks.spawn(reports::make(upstream, link));
        }
        Ok(Self { _tasks: tasks })
    }
}
