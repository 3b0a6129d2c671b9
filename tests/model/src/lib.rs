//! The locks, leases and renames of the cache for two processes, as a model of which every state is visited.
//!
//! A step is one call of the system in `src/store.rs`, `src/store/lease.rs` or `src/store/leftovers.rs`; the two processes
//! take theirs in every order, and each can be killed once between any two. Time is left out: whoever finds a lease may take
//! its holder for silent whenever it likes, as if that one had been stopped for long. So what holds here holds for every
//! speed and every pause. Of a stage's files there are two, which know who wrote them.

mod cache;
mod cleaner;
mod worker;

use stateright::{Model, Property};

pub use cache::{Cache, Folder, Token};
use cleaner::Cleaner;
use worker::Worker;

/// Where the processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machines {
    /// On one: kernel locks hold, and die with their process.
    One,
    /// On two, between which kernel locks hold nothing.
    Two,
}

/// Faults that the program had. The checker finds them, or it would find nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// None: the program as it is.
    None,
    /// The folder for results was called by the generation of its lease, and generations come again.
    SharedStaging,
    /// Whoever cleared the cache looked for leases without taking one.
    UnannouncedCleaner,
    /// An entry that is replaced was removed before its successor came.
    RemovedBefore,
}

/// What the second process does; the first makes a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// The same result.
    Worker,
    /// Clears what it takes for left over.
    Cleaner,
}

/// Two processes and a cache.
#[derive(Debug, Clone, Copy)]
pub struct System {
    /// Where they run.
    pub machines: Machines,
    /// What the second does.
    pub second: Second,
    /// Whether a result that is there is made once more, as with `--force`.
    pub force: bool,
    /// What is wrong with the program.
    pub fault: Fault,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Process {
    Worker(Worker),
    Cleaner(Cleaner),
}

/// The cache and both processes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    cache: Cache,
    processes: [Process; 2],
}

/// A process does its next step, in one of the ways in which it can go, or is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process, and the way.
    Step(usize, usize),
    /// The process.
    Kill(usize),
}

impl Model for System {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let second = match self.second {
            Second::Worker => Process::Worker(Worker::new(1)),
            Second::Cleaner => Process::Cleaner(Cleaner::new(1)),
        };
        let mut cache = Cache::default();
        if self.force {
            (cache.entry, cache.was_there) = (Some(Folder::whole(Token::BEFORE)), true);
        }
        vec![State { cache, processes: [Process::Worker(Worker::new(0)), second] }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for process in 0..2 {
            actions.extend((0..self.ways(state, process).len()).map(|way| Action::Step(process, way)));
            if state.processes[process].can_be_killed() {
                actions.push(Action::Kill(process));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        match action {
            Action::Step(process, way) => self.ways(state, process).into_iter().nth(way),
            Action::Kill(process) => {
                let mut next = state.clone();
                next.cache.unlock(process);
                next.processes[process].kill();
                Some(next)
            }
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("an entry is whole and of one make", |_, state: &State| {
                state.cache.entry.as_ref().is_none_or(Folder::is_whole)
            }),
            Property::always("what is there stays there", |_, state: &State| {
                state.cache.entry.is_some() || !state.cache.was_there
            }),
            Property::always("whoever has ended left no claim and no folder", |_, state: &State| {
                state.processes.iter().all(|process| !process.has_left_something(&state.cache))
            }),
            // Else nothing was checked.
            Property::sometimes("a result is made", |_, state: &State| state.cache.made > 0),
        ];
        if self.machines == Machines::One {
            properties.push(Property::always("only one works at a time", |_, state: &State| {
                state.processes.iter().filter(|process| process.works()).count() < 2
            }));
            if !self.force {
                properties.push(Property::always("a result is made once", |_, state: &State| state.cache.made < 2));
            }
        }
        properties
    }
}

impl System {
    /// What the next step of a process can come to; nothing while it waits, and after its end.
    fn ways(self, state: &State, process: usize) -> Vec<State> {
        let ways: Vec<(Cache, Process)> = match &state.processes[process] {
            Process::Worker(worker) => {
                let ways = worker.ways(self, &state.cache);
                ways.into_iter().map(|(cache, worker)| (cache, Process::Worker(worker))).collect()
            }
            Process::Cleaner(cleaner) => {
                let ways = cleaner.ways(self, &state.cache);
                ways.into_iter().map(|(cache, cleaner)| (cache, Process::Cleaner(cleaner))).collect()
            }
        };
        let moved = |(cache, moved): (Cache, Process)| {
            let mut processes = state.processes.clone();
            processes[process] = moved;
            State { cache, processes }
        };
        ways.into_iter().map(moved).collect()
    }
}

impl Process {
    fn can_be_killed(&self) -> bool {
        match self {
            Self::Worker(worker) => worker.can_be_killed(),
            Self::Cleaner(cleaner) => cleaner.can_be_killed(),
        }
    }

    fn kill(&mut self) {
        match self {
            Self::Worker(worker) => worker.kill(),
            Self::Cleaner(cleaner) => cleaner.kill(),
        }
    }

    fn works(&self) -> bool {
        matches!(self, Self::Worker(worker) if worker.works())
    }

    fn has_left_something(&self, cache: &Cache) -> bool {
        matches!(self, Self::Worker(worker) if worker.has_left_something(cache))
    }
}

#[cfg(test)]
mod tests {
    use stateright::Checker;

    use super::*;

    fn check(system: System) -> impl Checker<System> {
        system.checker().threads(2).spawn_bfs().join()
    }

    const SYSTEM: System = System { machines: Machines::Two, second: Second::Worker, force: false, fault: Fault::None };

    #[test]
    #[allow(clippy::print_stderr)]
    fn in_every_order_of_steps_and_with_every_kill_the_cache_is_whole() {
        let mut states = 0;
        for machines in [Machines::One, Machines::Two] {
            for second in [Second::Worker, Second::Cleaner] {
                for force in [false, true] {
                    let checked = check(System { machines, second, force, ..SYSTEM });
                    checked.assert_properties();
                    states += checked.unique_state_count();
                }
            }
        }
        eprintln!("model: {states} states");
    }

    /// The checker finds what was wrong with the program, so it would find it again.
    #[test]
    fn faults_are_found() {
        let whole = "an entry is whole and of one make";
        let faults = [
            (Fault::SharedStaging, Second::Worker, false, whole),
            (Fault::UnannouncedCleaner, Second::Cleaner, false, whole),
            (Fault::RemovedBefore, Second::Worker, true, "what is there stays there"),
        ];
        for (fault, second, force, property) in faults {
            let checked = check(System { second, force, fault, ..SYSTEM });
            assert!(checked.discovery(property).is_some(), "{fault:?}");
        }
    }
}
