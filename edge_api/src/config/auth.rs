//! Settings of the check of access tokens. Its secrets are among all the others, in [`secrets`](super::secrets).

use clap::Args;

#[derive(Debug, Clone, Args)]
pub struct AuthSettings {}
