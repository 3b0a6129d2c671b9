//! `plan --calibrate`: measures the trainings of a plan of which nothing is known.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::estimate::{self, Estimator, Speed};
use super::{Runner, process};
use crate::error::Result;
use crate::event::Event;
use crate::plan::Cell;
use crate::protocol::Measured;

impl Runner<'_> {
    /// Takes the time of a few steps of every kind of training that the plan has and that was not seen under these
    /// conditions: as many at once as cells will run, since programs that share a memory slow each other down.
    ///
    /// # Errors
    /// If a worker fails, or the cache cannot be written to.
    pub fn calibrate(&self) -> Result<()> {
        let _held = self.store.hold()?;
        let estimator = Estimator::new(self.store, self.options);
        let unknown = self.plan.cells.iter().filter(|cell| cell.selected && !estimator.knows(&cell.training));
        let kinds: BTreeMap<String, &Cell> = unknown.map(|cell| (estimate::kind_of(&cell.training), cell)).collect();
        for cell in kinds.into_values() {
            let network = cell.training.network.architecture.title();
            self.reporter.emit(&Event::Note(&format!("measuring {network} for {}", cell.id.row())));
            let measured = self.measure(cell)?;
            let speed = Speed::now(&cell.training, self.options, self.options.jobs, measured);
            estimate::keep(self.store, speed)?;
        }
        Ok(())
    }

    /// The slowest of as many measurements as cells run at once.
    fn measure(&self, cell: &Cell) -> Result<Measured> {
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.options.jobs {
                scope.spawn(|| {
                    let measured = process::measure(self, cell);
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(measured);
                });
            }
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let all: Vec<Measured> = results.into_iter().collect::<Result<_>>()?;
        let most = |of: fn(&Measured) -> f64| all.iter().map(of).fold(0.0, f64::max);
        Ok(Measured {
            seconds_per_image: most(|measured| measured.seconds_per_image),
            seconds_per_test_image: most(|measured| measured.seconds_per_test_image),
            peak_bytes: all.iter().map(|measured| measured.peak_bytes).max().unwrap_or_default(),
        })
    }
}
