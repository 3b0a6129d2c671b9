//! `register`: says what is planned, with a digest and a date, before it is run.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Session, folder, print};
use crate::config;
use crate::error::{Error, Result};
use crate::fs;
use crate::number::plural;
use crate::paper::{AnalysisPlan, REGISTRATIONS, Registration};
use crate::report::input::CellState;
use crate::run::now;

/// What the file says of itself.
const HEAD: &str = "\
# What was said before the runs. `fpl-repro register` adds to this file and changes nothing in it; every report and bundle
# carries it, and says per claim whether its test was planned before the data. A date is worth what the commit that brought
# it is worth: commit this file before the first run.
";

/// The form of the file.
#[derive(Serialize)]
struct File<'a> {
    registrations: [&'a Registration; 1],
}

/// Adds the present plan to the registrations, if it is not the last one; exit code 0.
pub(super) fn register(session: &Session, output: Option<PathBuf>) -> Result<u8> {
    let plan = AnalysisPlan::of(&session.loaded.config.paper, &session.loaded.config.seeds);
    check_seeds(&plan)?;
    let path = output.unwrap_or_else(|| session.loaded.root.join(REGISTRATIONS));
    if path.is_dir() {
        let message = format!("`{}` is a folder", path.display());
        return Err(Error::Usage {
            message,
            help: format!("name a file in it: `-o {}`", path.join(REGISTRATIONS).display()),
        });
    }
    let before = config::registrations(&path)?;
    if let Some(last) = before.last().filter(|last| last.plan == plan) {
        print(&format!("`{}`: nothing changed since {}", path.display(), last.date));
        return Ok(0);
    }
    folder::file_can_be_written(&path, "--output")?;
    let registration = Registration::new(now(), plan);
    fs::write_atomic(&path, appended(&path, &registration)?.as_bytes())?;
    print(&said(&path, &registration, runs(session, &registration.plan)?));
    Ok(0)
}

fn check_seeds(plan: &AnalysisPlan) -> Result<()> {
    let (seeds, pairs) = (plan.seeds.len(), plan.family.planned_pairs);
    if seeds >= pairs {
        return Ok(());
    }
    Err(Error::Usage {
        message: format!(
            "{} cannot give the {} that `paper.family` plans",
            plural(seeds, "seed"),
            plural(pairs, "pair")
        ),
        help: format!("name as many: `fpl-repro register --seeds 0..{}`", pairs - 1),
    })
}

/// The file with one registration more.
fn appended(path: &Path, registration: &Registration) -> Result<String> {
    let mut text = if path.exists() { fs::read_to_string(path)? } else { HEAD.to_owned() };
    let fault = |error: toml::ser::Error| Error::Render { what: REGISTRATIONS.into(), message: error.to_string() };
    let added = toml::to_string(&File { registrations: [registration] }).map_err(fault)?;
    text.push('\n');
    text.push_str(&added);
    Ok(text)
}

/// Cells of the family's claims that have results already.
fn runs(session: &Session, plan: &AnalysisPlan) -> Result<usize> {
    let rows: Vec<_> = plan.claims.iter().flat_map(|claim| [&claim.cells, &claim.against]).collect();
    let content = session.runner().content()?;
    session.store.save_memo();
    let of_family = |id: &str| rows.iter().any(|row| id.rsplit_once('/').is_some_and(|(own, _)| own == row.as_str()));
    Ok(content.cells.iter().filter(|cell| cell.state == CellState::Done && of_family(&cell.id)).count())
}

fn said(path: &Path, registration: &Registration, runs: usize) -> String {
    let plan = &registration.plan;
    let claims = plural(plan.family.claims.len(), "claim");
    let looks: Vec<String> = plan.family.looks.iter().map(usize::to_string).collect();
    let data = match runs {
        0 => "no run of them is there".to_owned(),
        1 => "1 run of them is there already".to_owned(),
        more => format!("{more} runs of them are there already"),
    };
    format!(
        "`{}`: {claims} with {} pairs each, looks after {}, {}, {}; {data}\ndigest {}\ncommit the file: its date is worth \
         what the commit is worth",
        path.display(),
        plan.family.planned_pairs,
        looks.join(" and "),
        plural(plan.margins.len(), "margin"),
        plural(plan.readings.len(), "other reading"),
        registration.digest
    )
}
