//! A replication article to be finished by its authors: the sections of the ML Reproducibility Challenge, and the metadata
//! of ReScience C, with the report's tables and numbers in place.

use serde::Serialize;
use tera::{Context, Tera};

use super::facts::Facts;
use crate::error::{Error, Result};
use crate::number::plural;
use crate::report::derived::Derived;
use crate::report::figure::Figure;
use crate::report::forms::{latex_name, latex_text};
use crate::report::ledger::{Level, Verdict};
use crate::report::{File, files};

/// What is taken over from the report, by the beginning of its name and its end.
const TAKEN: [(&str, &str); 4] = [("numbers", ".tex"), ("floats", ".tex"), ("tables/", ".tex"), ("figures/", ".pdf")];

#[derive(Serialize)]
struct View {
    prefix: &'static str,
    title: String,
    citation: String,
    program: String,
    data: String,
    cells: usize,
    done: usize,
    reduced: usize,
    time: String,
    devices: String,
    verdicts: String,
    printed: String,
    family: usize,
    easy: Vec<String>,
    difficult: Vec<String>,
    deviations: Vec<String>,
    claims: Vec<ClaimView>,
    findings: Vec<FindingView>,
    tables: Vec<String>,
}

#[derive(Serialize)]
struct ClaimView {
    id: String,
    place: String,
    text: String,
    verdict: String,
    why: String,
}

#[derive(Serialize)]
struct FindingView {
    place: String,
    says: String,
    follows: String,
}

/// The files of a folder in which `pdflatex article` and `bibtex article` work. `figures` are those of the report.
///
/// # Errors
/// If the report cannot be rendered.
pub fn article(derived: &Derived, figures: &[Figure]) -> Result<Vec<File>> {
    let facts = Facts::of(derived);
    let mut all = vec![
        text("article.tex", include_str!("../../templates/export/article.tex"), &view(derived, &facts))?,
        text("metadata.yaml", include_str!("../../templates/export/metadata.yaml"), &metadata(derived, &facts))?,
        text("bibliography.bib", include_str!("../../templates/export/bibliography.bib"), &reference(derived))?,
    ];
    let taken = |name: &str| TAKEN.iter().any(|(start, end)| name.starts_with(start) && name.ends_with(end));
    all.extend(files(derived, figures)?.into_iter().filter(|(name, _)| taken(name)));
    Ok(all)
}

fn text(name: &'static str, template: &str, view: &impl Serialize) -> Result<File> {
    let rendered = || -> tera::TeraResult<String> {
        let mut tera = Tera::new();
        // Texts are escaped where the views are made: each format has rules of its own.
        tera.autoescape_on(Vec::<&str>::new());
        tera.add_raw_template(name, template)?;
        tera.render(name, &Context::from_serialize(view)?)
    };
    let rendered = rendered().map_err(|error| Error::Render { what: name.to_owned(), message: error.to_string() })?;
    Ok((name.to_owned(), rendered.into_bytes()))
}

fn view(derived: &Derived, facts: &Facts) -> View {
    let Derived { input, ledger, status, audit, .. } = derived;
    let claims = ledger.entries.iter().map(|entry| ClaimView {
        id: latex_text(&entry.claim.id),
        place: latex_text(&entry.claim.place),
        text: latex_text(&entry.claim.text),
        verdict: latex_text(entry.verdict.title()),
        why: latex_text(&entry.why),
    });
    let findings = audit.findings.iter().map(|finding| FindingView {
        place: latex_text(&finding.place),
        says: latex_text(&finding.says),
        follows: latex_text(&finding.follows),
    });
    View {
        prefix: prefix(derived),
        title: latex_text(&input.paper.title),
        citation: latex_text(&format!("{} ({})", input.paper.authors, input.paper.year)),
        program: latex_text(if facts.programs.is_empty() { "fpl-repro" } else { &facts.programs }),
        data: latex_text(&input.dataset.name),
        cells: status.cells,
        done: status.done,
        reduced: status.reduced_done,
        time: latex_text(&facts.time),
        devices: latex_text(&facts.devices),
        verdicts: latex_text(&facts.verdicts),
        printed: latex_text(&facts.printed),
        family: ledger.family,
        easy: easy(derived).iter().map(|line| latex_text(line)).collect(),
        difficult: difficult(derived).iter().map(|line| latex_text(line)).collect(),
        deviations: deviations(derived),
        claims: claims.collect(),
        findings: findings.collect(),
        tables: derived
            .tables
            .iter()
            .filter(|view| view.readings[0].in_paper)
            .map(|view| latex_name(&view.anchor))
            .collect(),
    }
}

/// How protocols differ from the paper's: what they share, then a line for each.
fn deviations(derived: &Derived) -> Vec<String> {
    let protocols = derived.index.protocols();
    let line = |names: &str, differences: &[String]| latex_text(&format!("{names}: {}", differences.join("; ")));
    let shared = (!protocols.common.is_empty()).then(|| line(&protocols.sharing.join(", "), &protocols.common));
    let own = protocols.list.iter().filter(|protocol| !protocol.differences.is_empty());
    shared.into_iter().chain(own.map(|protocol| line(&protocol.name, &protocol.differences))).collect()
}

/// ReScience C's mark of a replication: `[¬Re]` for one that failed.
fn prefix(derived: &Derived) -> &'static str {
    let count = |verdict| derived.ledger.count(verdict);
    if count(Verdict::Contradicted) > 0 && count(Verdict::Reproduced) == 0 { r"[$\neg$Re]" } else { "[Re]" }
}

/// What the report shows to have been no obstacle.
fn easy(derived: &Derived) -> Vec<String> {
    let mut lines = Vec::new();
    if derived.input.dataset.genuine {
        lines.push("The data are public; every image was checked against the published digests.".to_owned());
    }
    let inside = derived.ledger.count_numbers(Level::Inside);
    if inside > 0 {
        lines.push(format!("{} of the paper may be further runs of ours.", plural(inside, "printed number")));
    }
    let consistent = derived.audit.consistent.len();
    lines.push(format!("{} of the paper's own numbers against each other passed.", plural(consistent, "check")));
    lines
}

/// What the report shows to have been an obstacle.
fn difficult(derived: &Derived) -> Vec<String> {
    let open = derived.input.paper.assumptions.iter().map(|assumption| assumption.about.as_str());
    let mut lines = vec![format!("The paper leaves open: {}.", open.collect::<Vec<_>>().join("; "))];
    let outside = derived.ledger.count_numbers(Level::Outside);
    if outside > 0 {
        lines.push(format!("{} of the paper cannot be further runs of ours.", plural(outside, "printed number")));
    }
    if derived.status.failed > 0 {
        lines.push(format!("{} failed.", plural(derived.status.failed, "cell")));
    }
    lines
}

#[derive(Serialize)]
struct Metadata {
    title: String,
    cite: String,
    url: String,
    doi: String,
    #[serde(rename = "abstract")]
    summary: String,
}

/// Texts as JSON has them, which YAML reads too.
fn metadata(derived: &Derived, facts: &Facts) -> Metadata {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let paper = &derived.input.paper;
    let mark = if prefix(derived) == "[Re]" { "[Re]" } else { "[¬Re]" };
    Metadata {
        title: quoted(&format!("{mark} {}", paper.title)),
        cite: quoted(&format!("{}: {}. {}, {}.", paper.authors, paper.title, paper.venue, paper.year)),
        url: quoted(&paper.url),
        doi: quoted(&paper.doi),
        summary: quoted(&format!(
            "{} Of {}, {} have results.",
            facts.verdicts,
            plural(derived.status.cells, "cell"),
            derived.status.done
        )),
    }
}

#[derive(Serialize)]
struct Reference {
    title: String,
    authors: String,
    year: u32,
    venue: String,
    url: String,
}

fn reference(derived: &Derived) -> Reference {
    let paper = &derived.input.paper;
    Reference {
        title: latex_text(&paper.title),
        authors: latex_text(&paper.authors),
        year: paper.year,
        venue: latex_text(&paper.venue),
        url: paper.url.replace(['{', '}', '\\'], ""),
    }
}
