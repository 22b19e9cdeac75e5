//! What holds of a row on this machine, obtained by trying.

use serde::Serialize;

/// One answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Here {
    /// What was tried, empty where the page says it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) tried: String,
    /// `true`, `false`, or `null` where it could not be found out.
    pub(super) works: Option<bool>,
    /// Why not, or why it is not known.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) why: String,
}

impl Here {
    /// As a line for people.
    pub(super) fn sentence(&self) -> String {
        let works = match self.works {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let tried = if self.tried.is_empty() { String::new() } else { format!("{}: ", self.tried) };
        let why = if self.why.is_empty() { String::new() } else { format!(", {}", self.why) };
        format!("{tried}{works}{why}")
    }
}
