//! `authors.md`: what was found, as questions that the paper's authors can answer, to be sent to them.

use crate::error::Result;
use crate::report::derived::Derived;
use crate::report::markdown::render;
use crate::report::view::View;

pub(super) const NAME: &str = "authors.md";

/// The letter.
pub(super) fn authors(derived: &Derived) -> Result<String> {
    render(NAME, include_str!("../../../templates/authors.md"), &View::new(derived, &[]))
}
