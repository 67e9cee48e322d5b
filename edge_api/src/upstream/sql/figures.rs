//! The question for the figures of the view `stream.metrics`.

use super::aside::{Aside, value};
use crate::upstream::{Figure, UpstreamError};

/// One transaction, as the service. A failure ends the connection, and its transaction with it.
const FIGURES: &str = "begin read only;
    set local statement_timeout = '2s';
    set local role service_role;
    select coalesce(pg_catalog.json_agg(m), '[]') from stream.metrics as m;
    commit";

pub(super) async fn ask(aside: &Aside) -> Result<Vec<Figure>, UpstreamError> {
    let json = aside.ask(|client| Box::pin(value(client, FIGURES))).await?;
    Figure::all_of(json.as_deref().unwrap_or("[]")).map_err(UpstreamError::of_figures)
}
