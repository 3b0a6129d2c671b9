//! A process that clears what killed ones left: `Store::hold_alone` and `leftovers::clear`.

use super::cache::{Cache, Staging};
use super::{Fault, Machines, System};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    /// Tries to take the lock of the cache for itself alone.
    Lock,
    /// Creates the claim file that says so.
    Announce,
    /// Lists the claim files of others.
    Look,
    /// Lists the folders that are taken for left over.
    List,
    /// Removes the first of those, in three steps.
    RemoveFile(usize),
    RemoveFolder,
    /// Removes its claim file, and gives the lock back.
    End,
    Ended,
}

/// A process that clears what killed ones left.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Cleaner {
    process: usize,
    step: Step,
    left: Vec<Staging>,
    announced: bool,
    killed: bool,
}

impl Cleaner {
    pub(crate) fn new(process: usize) -> Self {
        Self { process, step: Step::Lock, left: Vec::new(), announced: false, killed: false }
    }

    pub(crate) fn can_be_killed(&self) -> bool {
        !self.killed && self.step != Step::Ended
    }

    /// Its claim file stays until its silence is noticed.
    pub(crate) fn kill(&mut self) {
        (self.killed, self.step) = (true, if self.announced { Step::End } else { Step::Ended });
    }

    pub(crate) fn ways(&self, system: System, cache: &Cache) -> Vec<(Cache, Self)> {
        let (mut next, mut cleaner) = (cache.clone(), self.clone());
        cleaner.step = match self.step {
            Step::Lock if system.machines == Machines::One && !cache.shared.is_empty() => Step::Ended,
            Step::Lock => {
                if system.machines == Machines::One {
                    next.alone = Some(self.process);
                }
                if system.fault == Fault::UnannouncedCleaner { Step::Look } else { Step::Announce }
            }
            Step::Announce => {
                (next.cleaner, cleaner.announced) = (true, true);
                Step::Look
            }
            // Claims of processes that are known to have ended do not count, which on one machine is all that are there.
            Step::Look if system.machines == Machines::Two && !cache.claims.is_empty() => Step::End,
            Step::Look => Step::List,
            Step::List => {
                cleaner.left = cache.staging.keys().copied().collect();
                Step::RemoveFile(0)
            }
            Step::RemoveFile(file) => match cleaner.left.first() {
                Some(staging) => {
                    if let Some(folder) = next.staging.get_mut(staging) {
                        folder.files[file] = None;
                    }
                    if file == 0 { Step::RemoveFile(1) } else { Step::RemoveFolder }
                }
                None => Step::End,
            },
            Step::RemoveFolder => {
                next.staging.remove(&cleaner.left.remove(0));
                Step::RemoveFile(0)
            }
            Step::End => {
                next.cleaner = false;
                next.unlock(self.process);
                Step::Ended
            }
            Step::Ended => return Vec::new(),
        };
        vec![(next, cleaner)]
    }
}
