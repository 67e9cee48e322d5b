//! A figure of the view `stream.metrics`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One row of the view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Figure {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Figure {
    /// The rows of a JSON array.
    pub(super) fn all_of(json: &str) -> serde_json::Result<Vec<Self>> {
        serde_json::from_str(json)
    }
}
