//! What trainings have come to, from what they record: for a view in a terminal. Reads only.

mod view;

use std::path::Path;
use std::time::SystemTime;

use crate::artifact::{EpochMetrics, METRICS};
use crate::plan::{Cell, Plan};
use crate::results::read_metrics;
use crate::store::Store;

pub use view::draw;

/// An epoch that takes so many times as long as the one before is taken for the end of its process.
const PATIENCE: f64 = 4.0;
/// Seconds that an evaluation or a start may take on top of it.
const GRACE: f64 = 120.0;

/// Where a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// An epoch was recorded lately.
    Running,
    /// Epochs were recorded, the last of them long ago.
    Stopped,
    /// Nothing is there.
    Waiting,
    /// The weights are there.
    Trained,
    /// It failed when it last ran.
    Failed,
}

impl Stage {
    /// In a word.
    pub fn title(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Trained => "trained",
            Self::Failed => "failed",
        }
    }
}

/// A cell's training.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// `table2/resnet18/random/fpl/seed0`
    pub id: String,
    /// Where it is.
    pub stage: Stage,
    /// Epochs that are planned.
    pub epochs: u32,
    /// Those that are done.
    pub metrics: Vec<EpochMetrics>,
    /// Estimated seconds that are left; `None` if unknown.
    pub seconds_left: Option<f64>,
}

/// All trainings at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Running ones first, then in the order of the plan.
    pub trainings: Vec<Training>,
    /// What the claims have come to, in a line; may be empty.
    pub decided: String,
}

impl Snapshot {
    /// Reads what the selected cells of a plan have recorded in a cache. `seconds` estimates a whole training.
    pub fn read(plan: &Plan, store: &Store, seconds: impl Fn(&Cell) -> Option<f64>) -> Self {
        let selected = plan.cells.iter().filter(|cell| cell.selected);
        let mut trainings: Vec<Training> = selected.map(|cell| training(plan, store, &seconds, cell)).collect();
        trainings.sort_by_key(|training| training.stage);
        Self { trainings, decided: String::new() }
    }

    /// How many trainings are at a stage.
    pub fn count(&self, stage: Stage) -> usize {
        self.trainings.iter().filter(|training| training.stage == stage).count()
    }

    /// Estimated seconds until all are trained, with as many at once as run now; `None` if one is of unknown time.
    pub fn seconds_left(&self) -> Option<f64> {
        let open = self.trainings.iter().filter(|training| training.stage != Stage::Trained);
        let seconds = open.map(|training| training.seconds_left).sum::<Option<f64>>()?;
        Some(seconds / self.count(Stage::Running).max(1) as f64)
    }

    /// The share of all epochs that is done, 0 to 1.
    pub fn share_done(&self) -> f64 {
        let done: usize =
            self.trainings.iter().map(|training| training.metrics.len().min(training.epochs as usize)).sum();
        let all: f64 = self.trainings.iter().map(|training| f64::from(training.epochs)).sum();
        if all > 0.0 { (done as f64 / all).min(1.0) } else { 1.0 }
    }
}

fn training(plan: &Plan, store: &Store, seconds: impl Fn(&Cell) -> Option<f64>, cell: &Cell) -> Training {
    let node = &plan.nodes[cell.train];
    let epochs = cell.training.recipe.epochs;
    let (trained, begun) = (store.entry(node).join(METRICS), store.work(node).join(METRICS));
    let (stage, metrics) = if trained.is_file() {
        (Stage::Trained, read_metrics(&trained).unwrap_or_default())
    } else {
        let metrics = read_metrics(&begun).unwrap_or_default();
        let stage = match metrics.last() {
            Some(last) if age(&begun).is_some_and(|age| age < PATIENCE * last.seconds + GRACE) => Stage::Running,
            _ if store.failure(node).is_some() => Stage::Failed,
            Some(_) => Stage::Stopped,
            None => Stage::Waiting,
        };
        (stage, metrics)
    };
    let open = epochs.saturating_sub(metrics.len() as u32);
    let seconds_left = match metrics.last() {
        _ if stage == Stage::Trained => Some(0.0),
        Some(last) => Some(f64::from(open) * last.seconds),
        None => seconds(cell),
    };
    Training { id: cell.id.to_string(), stage, epochs, metrics, seconds_left }
}

/// Seconds since a file was written; `None` if it is not there.
fn age(path: &Path) -> Option<f64> {
    let written = std::fs::metadata(path).ok()?.modified().ok()?;
    // A clock that was set back makes it new.
    Some(SystemTime::now().duration_since(written).map_or(0.0, |age| age.as_secs_f64()))
}
