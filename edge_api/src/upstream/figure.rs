//! A figure of the view `stream.metrics`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::UpstreamError;

/// One row of the view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Figure {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Figure {
    /// The rows of a JSON array.
    pub(super) fn all_of(json: &str) -> Result<Vec<Self>, UpstreamError> {
        serde_json::from_str(json).map_err(|_| UpstreamError::Unexpected {
            reason: "the rows of stream.metrics have another form".to_owned(),
        })
    }
}
