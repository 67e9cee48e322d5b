//! The form of the catalogue's rows.

use super::recovery::Category;

/// One row of the catalogue.
pub(super) struct CatalogueRow {
    pub code: &'static str,
    pub category: Category,
    pub sqlstate: Option<&'static str>,
    pub http_status: u16,
    pub remedy: Remedy,
    pub message: &'static str,
    pub hint: &'static str,
}

/// The one who can get past an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    App,
    /// Nobody, or a person who changes the request or what it is about.
    Request,
    /// Whoever runs the service; until then every request like it fails.
    Operator,
}
