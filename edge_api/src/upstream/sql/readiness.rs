//! The question whether the database answers, and what is installed in it.

use tokio_postgres::{Client, Error};

use super::aside::{Aside, value};
use super::whole::is_refused;
use crate::upstream::{DatabaseVersions, UpstreamError};

/// Everybody may read this.
const EXTENSION: &str =
    "select extversion from pg_catalog.pg_extension where extname = 'pg_stream_ext'";

/// For who may execute the functions of that schema.
const CONTRACT: &str = "select stream_edge.contract_version()";

pub(super) async fn ask(aside: &Aside) -> Result<DatabaseVersions, UpstreamError> {
    aside.ask(|client| Box::pin(versions(client))).await
}

async fn versions(client: &Client) -> Result<DatabaseVersions, Error> {
    // `biased` polls, and so sends, in the written order.
    let (extension, contract) =
        tokio::join!(biased; value(client, EXTENSION), value(client, CONTRACT));
    let contract = match contract {
        // It is not there, or not granted.
        Err(error) if is_refused(&error) => None,
        contract => contract?,
    };
    Ok(DatabaseVersions {
        extension: extension?,
        contract,
    })
}
