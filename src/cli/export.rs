//! `export`: what others ask for, from a report or a bundle.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{diff, folder, print};
use crate::bundle::{self, Archive};
use crate::error::{Error, Result};
use crate::export::{Subject, article, attestation, checklist, forrt};
use crate::fs;
use crate::report::CONTENT;
use crate::report::derived::Derived;
use crate::report::figures;

/// The folder of an article for which none is named.
const ARTICLE: &str = "article";

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A folder with a replication article for ReScience C or the ML Reproducibility Challenge, to be finished
    Article,
    /// REFORMS, the NeurIPS checklist and the ACM's badges, ticked where there is evidence (Markdown)
    Checklist,
    /// An in-toto statement with the claims as test results, to be signed
    Attestation,
    /// Rows for FORRT's library of replication attempts, one per claim that was run (CSV)
    Forrt,
}

/// Writes it, or prints it where no output is named; exit code 0.
pub(super) fn export(kind: Kind, report: &Path, output: Option<&Path>) -> Result<u8> {
    match (kind, output) {
        (Kind::Article, output) => folder::can_be_written(output.unwrap_or(Path::new(ARTICLE)), "--output")?,
        (_, Some(output)) => folder::file_can_be_written(output, "--output")?,
        (_, None) => {}
    }
    let input = diff::read(report)?;
    let derived = Derived::new(&input);
    match kind {
        Kind::Article => write_article(&derived, output.unwrap_or(Path::new(ARTICLE))),
        Kind::Checklist => write(checklist(&derived)?.as_bytes(), output),
        Kind::Forrt => write(&forrt(&derived)?, output),
        Kind::Attestation => {
            let (subject, configuration) = subject(report)?;
            write(&attestation(&derived.ledger, &subject, &configuration)?, output)
        }
    }
}

fn write(bytes: &[u8], output: Option<&Path>) -> Result<u8> {
    match output {
        Some(output) => {
            fs::write_atomic(output, bytes)?;
            print(&output.display().to_string());
        }
        None => print(String::from_utf8_lossy(bytes).trim_end()),
    }
    Ok(0)
}

/// Writes the files of the article; none that is there is overwritten, since it may have been worked on.
fn write_article(derived: &Derived, output: &Path) -> Result<u8> {
    let article_file = output.join("article.tex");
    if article_file.exists() {
        return Err(Error::Usage {
            message: format!("`{}` is there already", article_file.display()),
            help: "name another folder with `--output`: what you wrote is not overwritten".into(),
        });
    }
    for (name, bytes) in article(derived, &figures(derived.input)?)? {
        fs::write_atomic(&output.join(name), &bytes)?;
    }
    print(&article_file.display().to_string());
    Ok(0)
}

/// What is attested, and the configuration it was made with. A bundle is verified first.
fn subject(report: &Path) -> Result<(Subject, Vec<Subject>)> {
    let name = |path: &Path| path.file_name().map(|name| name.display().to_string()).unwrap_or_default();
    let is_bundle = report.join(bundle::MANIFEST).is_file() || report.is_file() && name(report) != CONTENT;
    if is_bundle {
        let archive = Archive::read(report)?;
        bundle::verify(&archive).map_err(|fault| {
            Error::data(report, fault.to_string(), "only a bundle that verifies is attested: get it again")
        })?;
        let configuration = archive.files.get(bundle::CONFIG).map(|bytes| fs::sha256_bytes(bytes));
        let configuration = configuration.map(|sha256| Subject::new(bundle::CONFIG, &sha256));
        return Ok((Subject::new(&archive.name, &archive.sha256), configuration.into_iter().collect()));
    }
    let file: PathBuf = if report.is_dir() { report.join(CONTENT) } else { report.to_path_buf() };
    // The report's content holds the configuration of every cell, too.
    let content = Subject::new(&name(&file), &fs::sha256_file(&file)?);
    Ok((content.clone(), vec![content]))
}
