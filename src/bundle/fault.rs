//! What is wrong with a bundle.

use std::fmt;

/// The first thing in a bundle that does not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file in the bundle.
    pub place: String,
    /// What it says, and what follows.
    pub message: String,
}

impl Fault {
    pub(super) fn new(place: &str, message: impl Into<String>) -> Self {
        Self { place: place.to_owned(), message: message.into() }
    }

    pub(super) fn missing(place: &str) -> Self {
        Self::new(place, "is missing")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}
