//! A process that makes a result: `Store::hold`, `Store::try_claim`, the work, `Claim::commit`, and the end of the claim.

use super::cache::{Cache, Staging, Token};
use super::{Fault, Machines, System};

/// Tries of one process, each with a lease of its own.
const ATTEMPTS: u8 = 2;

/// Where a worker is. Each is one call of the system, or one decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    /// Takes the shared lock of the cache and that of the stage.
    Lock,
    /// Lists the claim files.
    List,
    /// Reads the one of this generation.
    Look(u8),
    /// Knows whose it is: it lives, or is taken for silent.
    Judge(u8, Token),
    /// Creates its own, after what it saw.
    Create(Option<(u8, Token)>, u8),
    /// Looks whether what it saw is still so.
    LookAgain(Option<(u8, Token)>),
    /// Reads whether its claim file is its own, and then lists later ones.
    Own(Then),
    Later(Then),
    /// Removes older claim files, one by one.
    Sweep,
    /// Looks for a cleaner.
    Cleaner,
    /// Makes its folder for results.
    Stage,
    /// Looks whether the result has come meanwhile.
    LookUp,
    /// Writes one of two files, or fails.
    Write(usize),
    /// Hashes what is there and writes the manifest.
    Manifest,
    /// Looks whether there is an entry to replace.
    Occupied,
    Rename,
    Exchange,
    /// Reads whether its claim file is its own, removes it, and its folder.
    ReadClaim,
    RemoveClaim,
    RemoveStaging,
    /// Gives its locks back.
    Unlock,
    Ended,
}

/// What follows from a lease that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Then {
    Sweep,
    Commit,
}

/// A process that makes a result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    step: Step,
    token: Token,
    generation: u8,
    killed: bool,
    /// Whether its work came to nothing, so that it tries again.
    failed: bool,
}

impl Worker {
    pub(crate) fn new(process: usize) -> Self {
        let token = Token { process, attempt: 0 };
        Self { step: Step::Lock, token, generation: 0, killed: false, failed: false }
    }

    pub(crate) fn can_be_killed(&self) -> bool {
        !self.killed && self.step != Step::Ended
    }

    /// The next process of the same user comes after it.
    pub(crate) fn kill(&mut self) {
        self.killed = true;
        self.again();
    }

    /// Whether it may write.
    pub(crate) fn works(&self) -> bool {
        use Step::{LookUp, Manifest, Occupied, Rename, Stage, Write};
        matches!(self.step, Stage | LookUp | Write(_) | Manifest | Occupied | Rename | Step::Exchange)
    }

    /// Whether it has ended, was never killed, and something of it is there.
    pub(crate) fn has_left_something(&self, cache: &Cache) -> bool {
        let own = |token: &Token| token.process == self.token.process;
        let staged = |staging: &Staging| matches!(staging, Staging::Lease(token) if own(token));
        self.step == Step::Ended && !self.killed && (cache.claims.values().any(own) || cache.staging.keys().any(staged))
    }

    fn again(&mut self) {
        let attempt = self.token.attempt + 1;
        if attempt < ATTEMPTS {
            self.token.attempt = attempt;
            self.step = Step::Lock;
        } else {
            self.step = Step::Ended;
        }
        (self.generation, self.failed) = (0, false);
    }

    fn at(&self, step: Step) -> Self {
        Self { step, ..self.clone() }
    }

    fn staging(&self, system: System) -> Staging {
        match system.fault {
            Fault::SharedStaging => Staging::Generation(self.generation),
            _ => Staging::Lease(self.token),
        }
    }

    /// What the next step can come to; nothing while it waits for a lock, and after its end.
    pub(crate) fn ways(&self, system: System, cache: &Cache) -> Vec<(Cache, Self)> {
        let stay = |step: Step| vec![(cache.clone(), self.at(step))];
        match self.step {
            Step::Lock | Step::Unlock => self.lock(system, cache),
            Step::List => stay(match cache.claims.keys().next_back() {
                Some(&generation) => Step::Look(generation),
                None => Step::Create(None, 1),
            }),
            Step::Look(generation) => stay(match cache.claims.get(&generation) {
                Some(&token) => Step::Judge(generation, token),
                None => Step::Create(None, 1),
            }),
            Step::Judge(generation, token) => {
                let over = stay(Step::Create(Some((generation, token)), generation + 1));
                [over, stay(Step::Unlock)].concat()
            }
            Step::LookAgain(before) => {
                let another = before.is_some_and(|(generation, token)| {
                    cache.claims.get(&generation).is_some_and(|&found| found != token)
                });
                stay(if another { Step::ReadClaim } else { Step::Own(Then::Sweep) })
            }
            Step::Own(then) => {
                let own = cache.claims.get(&self.generation) == Some(&self.token);
                stay(if own { Step::Later(then) } else { Step::ReadClaim })
            }
            Step::Later(then) => {
                let later = cache.claims.keys().any(|&generation| generation > self.generation);
                stay(match then {
                    _ if later => Step::ReadClaim,
                    Then::Sweep => Step::Sweep,
                    Then::Commit => Step::Occupied,
                })
            }
            Step::Cleaner => stay(if cache.cleaner { Step::ReadClaim } else { Step::Stage }),
            Step::LookUp => {
                let there = cache.entry.is_some() && !system.force;
                stay(if there { Step::ReadClaim } else { Step::Write(0) })
            }
            Step::Ended => Vec::new(),
            _ => self.change(system, cache),
        }
    }

    fn lock(&self, system: System, cache: &Cache) -> Vec<(Cache, Self)> {
        let (mut next, process) = (cache.clone(), self.token.process);
        let mut worker = self.clone();
        if self.step == Step::Unlock {
            next.unlock(process);
            if self.failed {
                worker.again();
            } else {
                worker.step = Step::Ended;
            }
            return vec![(next, worker)];
        }
        if system.machines == Machines::One {
            if cache.stage_lock.is_some() || cache.alone.is_some() {
                return Vec::new();
            }
            next.stage_lock = Some(process);
            next.shared.push(process);
        }
        worker.step = Step::List;
        vec![(next, worker)]
    }

    /// A step that changes the cache.
    fn change(&self, system: System, cache: &Cache) -> Vec<(Cache, Self)> {
        let (mut next, mut worker) = (cache.clone(), self.clone());
        let staging = self.staging(system);
        worker.step = match self.step {
            Step::Create(before, generation) => {
                if cache.claims.contains_key(&generation) {
                    Step::Unlock
                } else {
                    next.claims.insert(generation, self.token);
                    worker.generation = generation;
                    Step::LookAgain(before)
                }
            }
            Step::Sweep => match cache.claims.keys().next() {
                Some(&older) if older < self.generation => {
                    next.claims.remove(&older);
                    Step::Sweep
                }
                _ if system.fault == Fault::UnannouncedCleaner => Step::Stage,
                _ => Step::Cleaner,
            },
            Step::Stage => {
                next.staging.insert(staging, super::Folder::default());
                Step::LookUp
            }
            Step::Write(file) => {
                // Whoever finds its folder gone makes it again.
                next.staging.entry(staging).or_default().files[file] = Some(self.token);
                let failed = Self { failed: true, ..self.at(Step::ReadClaim) };
                worker.step = if file == 0 { Step::Write(1) } else { Step::Manifest };
                return vec![(next, worker), (cache.clone(), failed)];
            }
            Step::Manifest => {
                let folder = next.staging.entry(staging).or_default();
                folder.manifest = Some(folder.files);
                Step::Own(Then::Commit)
            }
            Step::Occupied => match &cache.entry {
                Some(_) if system.fault == Fault::RemovedBefore => {
                    next.entry = None;
                    Step::Rename
                }
                Some(_) => Step::Exchange,
                None => Step::Rename,
            },
            Step::Rename | Step::Exchange => {
                self.put_in_place(staging, &mut next);
                Step::ReadClaim
            }
            Step::ReadClaim => {
                let own = cache.claims.get(&self.generation) == Some(&self.token);
                if own { Step::RemoveClaim } else { Step::RemoveStaging }
            }
            Step::RemoveClaim => {
                next.claims.remove(&self.generation);
                Step::RemoveStaging
            }
            Step::RemoveStaging => {
                next.staging.remove(&staging);
                Step::Unlock
            }
            step => step,
        };
        vec![(next, worker)]
    }

    /// A folder is not renamed over one that is there, nor exchanged with one that is not: then the stage has failed.
    fn put_in_place(&self, staging: Staging, next: &mut Cache) {
        if (self.step == Step::Exchange) != next.entry.is_some() {
            return;
        }
        if let Some(folder) = next.staging.remove(&staging) {
            next.staging.extend(next.entry.take().map(|old| (staging, old)));
            next.put(folder);
        }
    }
}
