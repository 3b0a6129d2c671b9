//! `registered.toml`: nothing in it was changed after it was registered.

use super::Check;
use crate::error::Result;
use crate::paper::Registration;

impl Check<'_> {
    pub(super) fn registrations(&self, all: &[Registration]) -> Result<()> {
        let mut last = None;
        for (index, registration) in all.iter().enumerate() {
            let index = index.to_string();
            let at = |key| ["registrations", &index, key];
            let date = registration.date.parse::<jiff::Timestamp>();
            let again = "remove the registration, or take it from its commit; `fpl-repro register` adds another";
            self.that(date.is_ok(), &at("date"), "not a time, like 2026-11-25T03:37:26Z", again)?;
            self.that(date.as_ref().ok() >= last.as_ref(), &at("date"), "earlier than the one before it", again)?;
            let follows = registration.plan.digest();
            let message = format!("the plan was changed after it was registered: its digest is {follows}");
            self.that(follows == registration.digest, &at("digest"), &message, again)?;
            last = date.ok();
        }
        Ok(())
    }
}
