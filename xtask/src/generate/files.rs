//! The set of generated files.

use std::collections::BTreeMap;

/// Paths in the repository and the texts that belong there.
pub type Files = BTreeMap<&'static str, String>;
