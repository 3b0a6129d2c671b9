//! `--remote`: what others made is brought, and what is made here is added. A cell never fails for it.

use std::sync::atomic::Ordering;

use super::Runner;
use super::bring::Stage;
use crate::artifact::Manifest;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::plan::{Node, StageKind};
use crate::remote::{self, Pull, Pulled, Remote};
use crate::store::Claim;

impl Runner<'_> {
    /// A cell's stage from the remote cache, if it has it for the same inputs.
    pub(super) fn pull(&self, stage: &impl Stage, claim: &Claim) -> Result<Option<Manifest>> {
        let node = stage.node();
        let Some(remote) = self.remote(node) else { return Ok(None) };
        match remote::pull(remote, self.store, node, claim, Pull::Whole, Some(&stage.reads())) {
            Ok(Pulled::Absent) => Ok(None),
            Ok(Pulled::Brought(manifest)) => {
                self.reporter.emit(&Event::Note(&format!("{:<8} {}: pulled", node.stage.name(), node.subject)));
                self.store.clear_failure(node)?;
                Ok(Some(*manifest))
            }
            Err(error) => self.forgive(error, "made here instead").map(|()| None),
        }
    }

    /// Adds a cell's stage to the remote cache.
    pub(super) fn push(&self, node: &Node, manifest: &Manifest) -> Result<()> {
        let Some(remote) = self.remote(node).filter(|remote| !remote.is_read_only()) else { return Ok(()) };
        match remote::push(remote, self.store, node, manifest) {
            Ok(_) => Ok(()),
            Err(error) => self.forgive(error, "kept here; `fpl-repro push` adds it later"),
        }
    }

    /// The remote cache, for stages that are shared, while it answers.
    fn remote(&self, node: &Node) -> Option<&Remote> {
        let shared = matches!(node.stage, StageKind::Train | StageKind::Evaluate);
        let answers = !self.remote_is_down.load(Ordering::Relaxed);
        self.options.remote.as_deref().filter(|_| shared && answers)
    }

    /// What is wrong with a remote cache is told and stops nothing. What is wrong with this machine does.
    fn forgive(&self, error: Error, instead: &str) -> Result<()> {
        match error {
            Error::Remote { .. } => {
                let first = !self.remote_is_down.swap(true, Ordering::Relaxed);
                if first {
                    let text = format!("warning: {error}: {instead}; it is not asked again. {}", error.help());
                    self.reporter.emit(&Event::Note(&text));
                }
                Ok(())
            }
            Error::Data { .. } | Error::Newer { .. } => {
                self.reporter.emit(&Event::Note(&format!("warning: {error}: {instead}. {}", error.help())));
                Ok(())
            }
            _ => Err(error),
        }
    }
}
