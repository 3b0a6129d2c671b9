//! `all --until-decided`.

use super::Session;
use crate::config::Config;
use crate::error::Result;
use crate::interrupt;
use crate::run::until_decided::{Pipeline, until_decided};

/// Exit code where a cell failed.
const FAILED: u8 = 1;

/// The seeds that pairs are run of: those that were registered last, or else as many as pairs are planned.
pub(super) fn seeds(config: &Config) -> Vec<u64> {
    let registered = config.registrations.last().map(|registration| registration.plan.seeds.clone());
    registered.unwrap_or_else(|| (0..config.paper.family.planned_pairs as u64).collect())
}

/// Runs pairs until all is decided or the budget is spent, then makes the report; the exit code.
pub(super) fn run(session: &Session, budget: Option<f64>, strict: bool) -> Result<u8> {
    interrupt::catch();
    session.check_reports(&session.runner())?;
    let mut pipeline = Pipeline::new(&session.runner(), budget);
    let ending = until_decided(&mut pipeline, budget, session.options.keep_going)?;
    let code = session.conclude(&session.runner(), &pipeline.report(&session.reports)?, strict)?;
    Ok(if ending.failed && code == 0 { FAILED } else { code })
}
