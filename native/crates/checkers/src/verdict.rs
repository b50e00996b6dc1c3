//! What a checker concludes of a well-formed history.

use serde::Serialize;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The history is possible.
    Valid,
    /// It is not.
    Violation,
    /// A budget ended before it was decided, or there was too little to decide it by.
    Unknown,
}

impl Verdict {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::Violation => "violation",
            Verdict::Unknown => "unknown",
        }
    }
}
