//! `all --until-decided`: pairs of runs, claim by claim, the cheapest decision first, until every claim of the family is decided
//! or futile, or the budget is spent.
//!
//! One looks as planned and no oftener, whatever the order of the pairs: see [`crate::stats::spending`].

mod pipeline;

use std::collections::BTreeMap;
use std::fmt::Write as _; // Writing to a String cannot fail.

use crate::error::Result;
use crate::id::RowId;
use crate::number::{duration, plural};
use crate::report::ledger::{Progress, Standing};

pub use pipeline::Pipeline;

/// A pair of runs that is not complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Its two rows.
    pub rows: [RowId; 2],
    /// Its seed.
    pub seed: u64,
    /// Estimated seconds; `None` if no like cell was run yet.
    pub seconds: Option<f64>,
}

/// A claim, and the pairs that are missing until it may be decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Where the claim stands.
    pub progress: Progress,
    /// In the order in which they are run; empty where it is not open.
    pub missing: Vec<Pair>,
}

/// What became of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// Both runs have results.
    Done,
    /// One has none: why.
    Failed(String),
    /// The budget ended before it did; it goes on from its last epoch the next time.
    OutOfTime,
}

/// What the loop needs of the world.
pub trait World {
    /// Seconds since the loop began.
    fn elapsed(&self) -> f64;

    /// Every claim of the family that can be run, as it stands.
    ///
    /// # Errors
    /// If results cannot be read.
    fn candidates(&mut self) -> Result<Vec<Candidate>>;

    /// Runs what is missing of a pair.
    ///
    /// # Errors
    /// What stops the whole run.
    fn run(&mut self, pair: &Pair) -> Result<Ran>;

    /// Tells the user.
    fn tell(&mut self, text: &str);
}

/// How the loop ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Every claim as it stands.
    pub candidates: Vec<Candidate>,
    /// Pairs that were run to their end.
    pub pairs: usize,
    /// Whether a cell failed.
    pub failed: bool,
}

/// Runs pairs until nothing is left that is worth running, or until `budget` seconds are spent. With `keep_going`, claims whose
/// cells fail are left out, and the others go on.
///
/// # Errors
/// As [`World`]'s.
pub fn until_decided(world: &mut impl World, budget: Option<f64>, keep_going: bool) -> Result<Ending> {
    let (mut pairs, mut stuck) = (0, BTreeMap::new());
    loop {
        let candidates = world.candidates()?;
        let left = budget.map(|budget| (budget - world.elapsed()).max(0.0));
        let next = cheapest(&candidates, &stuck, left).cloned();
        world.tell(&told(&candidates, &stuck, next.as_ref(), left));
        let ending = || Ending { candidates: candidates.clone(), pairs, failed: !stuck.is_empty() };
        let Some(pair) = next.as_ref().and_then(|next| next.missing.first()) else { return Ok(ending()) };
        match world.run(pair)? {
            Ran::Done => pairs += 1,
            Ran::Failed(why) => {
                stuck.insert(pair.rows.clone(), why);
                if !keep_going {
                    return Ok(Ending { candidates, pairs, failed: true });
                }
            }
            Ran::OutOfTime => {
                world.tell("The budget is spent; the pair that was running goes on from its last epoch the next time.");
                return Ok(ending());
            }
        }
    }
}

/// The rows whose cells failed, and why.
type Stuck = BTreeMap<[RowId; 2], String>;

/// The open claim whose decision costs least and whose next pair fits in what is left; those of unknown cost come last.
fn cheapest<'a>(all: &'a [Candidate], stuck: &Stuck, left: Option<f64>) -> Option<&'a Candidate> {
    let fits = |candidate: &&Candidate| {
        let next = candidate.missing.first();
        next.is_some_and(|pair| left.is_none_or(|left| pair.seconds.unwrap_or(0.0) <= left && left > 0.0))
    };
    let open = open(all, stuck).filter(fits);
    // The first of equals: the family's order.
    open.min_by(|a, b| {
        let cost = |candidate: &Candidate| candidate.cost().unwrap_or(f64::INFINITY);
        cost(a).total_cmp(&cost(b))
    })
}

fn open<'a>(all: &'a [Candidate], stuck: &Stuck) -> impl Iterator<Item = &'a Candidate> {
    all.iter().filter(|candidate| !candidate.missing.is_empty() && !stuck.contains_key(&candidate.progress.rows))
}

impl Candidate {
    /// Seconds until it may be decided; `None` if unknown.
    pub fn cost(&self) -> Option<f64> {
        self.missing.iter().map(|pair| pair.seconds).sum()
    }
}

/// What is decided, and what comes next.
fn told(all: &[Candidate], stuck: &Stuck, next: Option<&Candidate>, left: Option<f64>) -> String {
    let mut text = String::new();
    for candidate in all {
        let Progress { claim, rows, pairs, reduced, standing } = &candidate.progress;
        let says = match (standing, stuck.get(rows)) {
            (Standing::Open(_), Some(why)) => format!("cannot go on: {why}"),
            (Standing::Open(at), None) if candidate.missing.len() + pairs < *at => {
                format!("open: may be decided after {}, for which there are too few seeds", plural(*at, "pair"))
            }
            (Standing::Open(at), None) => {
                format!("open: may be decided after {}, {}", plural(*at, "pair"), about(candidate.cost()))
            }
            (Standing::Decided(how), _) => format!("decided: {how}"),
            (Standing::Futile(why), _) => format!("futile: {why}"),
            (Standing::Over(why), _) => format!("undecided: {why}"),
        };
        let mark = if *reduced { " (reduced: about these runs, not the paper)" } else { "" };
        let _ = writeln!(text, "{claim:<8} {:>8}  {says}{mark}", plural(*pairs, "pair"));
    }
    let left = left.map_or_else(String::new, |left| format!("; {} of the budget are left", duration(left)));
    match next.and_then(|next| Some((next, next.missing.first()?))) {
        Some((next, pair)) => {
            let claim = &next.progress.claim;
            let _ = write!(text, "next: {claim}, seed {}, {}{left}", pair.seed, about(pair.seconds));
        }
        None if open(all, stuck).next().is_some() => {
            let _ = write!(text, "next: nothing that fits{left}");
        }
        None => text.push_str("next: nothing is left to run"),
    }
    text
}

fn about(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "time unknown".to_owned(), |seconds| format!("about {}", duration(seconds)))
}

/// Seconds of a pair's cells, of which `jobs` run at once.
pub fn together(seconds: &[f64], jobs: usize) -> f64 {
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    if jobs > 1 { longest } else { seconds.iter().sum() }
}
