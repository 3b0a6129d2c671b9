//! All cells of a run as one line: how many are done, and how long the others will take.

use std::collections::BTreeMap;

use crate::number::{duration, plural};

/// Where a cell of the queue is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    /// It waits; estimated seconds, `None` if unknown.
    Waits(Option<f64>),
    /// It runs; seconds that are left, `None` if unknown.
    Runs(Option<f64>),
    /// It is done, has failed or is left out.
    Ended,
}

/// The cells that a run is about.
#[derive(Debug, Default)]
pub(super) struct Whole {
    cells: BTreeMap<String, Cell>,
    decided: String,
}

impl Whole {
    /// The cells that will run, with their estimated seconds.
    pub(super) fn queue(&mut self, cells: &[(String, Option<f64>)]) {
        self.cells.extend(cells.iter().map(|(id, seconds)| (id.clone(), Cell::Waits(*seconds))));
    }

    /// What the claims have come to.
    pub(super) fn decided(&mut self, text: &str) {
        text.clone_into(&mut self.decided);
    }

    /// A cell of the queue begins.
    pub(super) fn begins(&mut self, id: &str) {
        if let Some(cell) = self.cells.get_mut(id)
            && let Cell::Waits(seconds) = *cell
        {
            *cell = Cell::Runs(seconds);
        }
    }

    /// A cell of the queue has so many seconds left.
    pub(super) fn remains(&mut self, id: &str, seconds: f64) {
        if let Some(cell) = self.cells.get_mut(id) {
            *cell = Cell::Runs(Some(seconds).filter(|seconds| seconds.is_finite()));
        }
    }

    /// A cell of the queue is over.
    pub(super) fn ends(&mut self, id: &str) {
        if let Some(cell) = self.cells.get_mut(id) {
            *cell = Cell::Ended;
        }
    }

    /// Cells that are over, and of how many.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.cells.values().filter(|cell| **cell == Cell::Ended).count(), self.cells.len())
    }

    /// `3 of 16 cells, about 2 h 10 min left`; empty for fewer than two cells, which their own lines tell of.
    pub(super) fn line(&self) -> String {
        let (ended, all) = self.progress();
        if all < 2 {
            return String::new();
        }
        let left = match self.seconds_left() {
            _ if ended == all => "all run".to_owned(),
            Some(seconds) => format!("about {} left", duration(seconds)),
            None => "time left unknown".to_owned(),
        };
        let decided = if self.decided.is_empty() { String::new() } else { format!("; {}", self.decided) };
        format!("{ended} of {}, {left}{decided}", plural(all, "cell"))
    }

    /// With as many cells at once as run now; `None` if one is of unknown time.
    fn seconds_left(&self) -> Option<f64> {
        let runs = self.cells.values().filter(|cell| matches!(cell, Cell::Runs(_))).count();
        let seconds = self.cells.values().map(|cell| match cell {
            Cell::Waits(seconds) | Cell::Runs(seconds) => *seconds,
            Cell::Ended => Some(0.0),
        });
        Some(seconds.sum::<Option<f64>>()? / runs.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::Whole;

    #[test]
    fn the_line_says_what_is_done_and_left() {
        let mut whole = Whole::default();
        assert_eq!(whole.line(), "");
        let cells = ["a", "b", "c", "d"].map(|id| (id.to_owned(), Some(600.0)));
        whole.queue(&cells);
        assert_eq!(whole.line(), "0 of 4 cells, about 40 min 00 s left");
        whole.begins("a");
        whole.begins("b");
        assert_eq!(whole.line(), "0 of 4 cells, about 20 min 00 s left", "two at once");
        whole.remains("a", 300.0);
        whole.ends("b");
        whole.begins("c");
        // 300 + 600 + 600 seconds, two at once.
        assert_eq!(whole.line(), "1 of 4 cells, about 12 min 30 s left");
        whole.decided("1 reproduced");
        whole.queue(&[("e".to_owned(), None)]);
        assert_eq!(whole.line(), "1 of 5 cells, time left unknown; 1 reproduced");
        for id in ["a", "c", "d", "e", "no such cell"] {
            whole.ends(id);
        }
        assert_eq!(whole.line(), "5 of 5 cells, all run; 1 reproduced");
    }
}
