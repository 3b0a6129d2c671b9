//! Runs by row: what the ledger's tests are made of.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::RowId;
use crate::paper::measure::{ACCURACY_IMPLIED, FALSE_POSITIVES, TOP1, TOP5};
use crate::paper::{Claim, Measure};
use crate::report::cells::{Index, prefix};
use crate::report::input::{Cell, ReportInput};

/// Which epoch of a training counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Epoch {
    /// The last.
    Last,
    /// The one with the best top-1 on the test set, which a paper may have reported although it selects by the test set.
    Best,
}

/// The cells of a report by their rows.
pub(super) struct Gather<'a> {
    pub(super) input: &'a ReportInput,
    pub(super) index: Index<'a>,
    rows: BTreeMap<&'a str, Vec<&'a Cell>>,
    /// Cells of a row whose run is that of an earlier one, by their predictions. They count for nothing.
    again: BTreeMap<&'a str, Vec<&'a Cell>>,
}

/// Runs of both sides with one seed.
pub(super) struct Pair<'a> {
    pub(super) cells: [&'a Cell; 2],
    pub(super) values: [f64; 2],
}

impl<'a> Gather<'a> {
    pub(super) fn new(input: &'a ReportInput) -> Self {
        let (mut rows, mut again) = (BTreeMap::<&str, Vec<&Cell>>::new(), BTreeMap::<&str, Vec<&Cell>>::new());
        for cell in &input.cells {
            let row = rows.entry(prefix(&cell.id)).or_default();
            let is_known = !cell.predictions.is_empty() && row.iter().any(|one| one.predictions == cell.predictions);
            let place = if is_known { again.entry(prefix(&cell.id)).or_default() } else { row };
            place.push(cell);
        }
        Self { input, index: Index::new(input), rows, again }
    }

    /// Whether the configuration has cells of a row.
    pub(super) fn has(&self, row: &RowId) -> bool {
        self.rows.contains_key(row.as_str())
    }

    /// Whether cells of a claim do not follow the protocol, run or not.
    pub(super) fn is_reduced(&self, claim: &Claim) -> bool {
        let mut cells = [&claim.cells, &claim.against].into_iter().flat_map(|row| self.of(row.as_str()));
        cells.any(|cell| !self.index.deviations(cell).is_empty())
    }

    /// A measure of the runs of a row.
    pub(super) fn values(&self, row: &RowId, measure: &Measure, epoch: Epoch) -> Vec<f64> {
        self.of(row.as_str()).filter_map(|cell| value(cell, measure, epoch)).collect()
    }

    /// The cells of a row that have results.
    pub(super) fn runs(&self, row: &RowId) -> impl Iterator<Item = &'a Cell> {
        self.of(row.as_str()).filter(|cell| cell.run().is_some())
    }

    /// A measure of the runs of every row with the same architecture whose runs follow the protocol. Rows of two tables that have the same
    /// cells count once.
    pub(super) fn alike(&self, row: &RowId, measure: &Measure, epoch: Epoch) -> Vec<Vec<f64>> {
        let architecture = row.setting().architecture().to_owned();
        let mut seen = BTreeSet::new();
        let rows = self.rows.iter().filter(|(other, cells)| {
            let alike = other.split('/').nth(1) == Some(&architecture) && self.index.reasons(cells).is_empty();
            alike && seen.insert(cells.iter().map(|cell| cell.fingerprint.as_str()).collect::<Vec<_>>())
        });
        rows.map(|(_, cells)| cells.iter().filter_map(|cell| value(cell, measure, epoch)).collect()).collect()
    }

    /// How the runs of a row differ from the protocol.
    pub(super) fn deviations(&self, row: &RowId) -> Vec<String> {
        self.index.reasons(&self.runs(row).collect::<Vec<_>>())
    }

    /// The runs of two rows, paired by seed, in the order of seeds.
    pub(super) fn pairs(&self, measure: &Measure, [cells, against]: [&str; 2], epoch: Epoch) -> Vec<Pair<'a>> {
        let pair = |cell: &'a Cell| {
            let other = self.of(against).find(|other| other.seed == cell.seed)?;
            Some(Pair { cells: [cell, other], values: [value(cell, measure, epoch)?, value(other, measure, epoch)?] })
        };
        let mut pairs: Vec<Pair> = self.of(cells).filter_map(pair).collect();
        pairs.sort_by_key(|pair| pair.cells[0].seed);
        pairs
    }

    /// How many pairs of two rows were left out because a run of theirs is there twice.
    pub(super) fn duplicates(&self, rows: [&str; 2]) -> usize {
        let again = rows.iter().filter_map(|row| self.again.get(row)).flatten();
        again.map(|cell| cell.seed).collect::<BTreeSet<_>>().len()
    }

    fn of(&self, row: &str) -> impl Iterator<Item = &'a Cell> {
        self.rows.get(row).into_iter().flatten().copied()
    }
}

/// A measure of a cell's run; `None` without results, and of the best epoch for what is not recorded per epoch.
fn value(cell: &Cell, measure: &Measure, epoch: Epoch) -> Option<f64> {
    if epoch == Epoch::Last {
        return cell.measured(measure);
    }
    let run = cell.run()?;
    let best = run.metrics.iter().max_by(|a, b| a.test_top1_pct.total_cmp(&b.test_top1_pct))?;
    let measure_is = |other: &Measure| *measure == *other;
    match () {
        () if measure_is(&TOP1) || measure_is(&ACCURACY_IMPLIED) => Some(best.test_top1_pct),
        () if measure_is(&TOP5) => Some(best.test_top5_pct),
        () if measure_is(&FALSE_POSITIVES) => {
            Some((f64::from(run.scores.images) * (1.0 - best.test_top1_pct / 100.0)).round())
        }
        () => None,
    }
}
