//! The paper's numbers held against each other. Needs no run and no data.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::measure::{FALSE_POSITIVES, TOP1};
use super::{Finding, Measure, Paper, Seriousness, Statement};
use crate::id::{RowId, Setting};
use crate::number::{count, fixed, p_is, signed};
use crate::recipe::Architecture;
use crate::stats::{accuracy_standard_error, mcnemar_bounds};

/// What the audit found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Audit {
    /// What is wrong or must be known, the most serious first.
    pub findings: Vec<Finding>,
    /// What was computed and agrees, in sentences.
    pub consistent: Vec<String>,
    /// What every pair of rows of the paper can tell.
    pub resolution: Vec<Resolution>,
}

/// What one run on the test images can tell about a difference in the tables.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Resolution {
    /// Ids of the claims that rest on it.
    pub claims: Vec<String>,
    /// `Table 2, ResNet-18 (random): FPL − CE`
    pub pair: String,
    /// The rows that are compared.
    pub cells: RowId,
    /// Those that are subtracted.
    pub against: RowId,
    /// Misclassified images of both rows.
    pub errors: [u32; 2],
    /// Their difference in points of top-1 accuracy: cells − against.
    pub points: f64,
    /// Standard error of one such accuracy over the test images, in points.
    pub standard_error: f64,
    /// Two-sided p of McNemar's exact test, the smallest and the largest that these errors allow.
    pub mcnemar: [f64; 2],
    /// Difference of two runs on independent test images that is detected with 80 % power at 5 %, in points: 2.8 standard
    /// errors of a difference. On the same images less can be enough.
    pub detectable: f64,
}

/// z_{0.975} + z_{0.8}.
const DETECTABLE: f64 = 1.959_964 + 0.841_621;

impl Audit {
    /// Adds what runs let one say of the paper.
    pub fn add(&mut self, findings: impl Iterator<Item = Finding>) {
        self.findings.extend(findings);
        self.findings.sort_by_key(|finding| finding.seriousness);
    }
}

/// Audits a paper.
pub fn audit(paper: &Paper) -> Audit {
    let mut audit = Audit { findings: paper.findings.clone(), consistent: Vec::new(), resolution: resolutions(paper) };
    sums(paper, &mut audit);
    statements(paper, &mut audit);
    directions(paper, &mut audit);
    resolved(&mut audit);
    audit.findings.sort_by_key(|finding| finding.seriousness);
    audit
}

/// Rows of counts against their totals.
fn sums(paper: &Paper, audit: &mut Audit) {
    for (row, numbers) in paper.rows() {
        let Some(total) = numbers.total_false_positives.filter(|_| !numbers.false_positives.is_empty()) else {
            continue;
        };
        let sum: u32 = numbers.false_positives.iter().sum();
        let accuracy = 100.0 * (1.0 - f64::from(total) / f64::from(paper.test_images));
        let place = row_title(&row);
        if sum == total {
            audit.consistent.push(format!(
                "{place}: the classes add up to the total of {total}, which as misclassified images of {} is a top-1 \
                 accuracy of {} %.",
                count(paper.test_images.into()),
                fixed(accuracy, 2)
            ));
        } else {
            audit.findings.push(Finding {
                place,
                says: format!("total {total}"),
                follows: format!("The classes add up to {sum}."),
                ask: "Which of the counts, or the total, is right?".into(),
                seriousness: Seriousness::Substantial,
            });
        }
    }
}

/// Numbers in the text against the tables.
fn statements(paper: &Paper, audit: &mut Audit) {
    for statement in &paper.statements {
        let Some((of_tables, agrees)) = paper.check(statement) else { continue };
        let Statement { place, quote, measure, row, minus, value, .. } = statement;
        let (what, write): (_, fn(&Measure, f64, usize) -> String) = match minus {
            Some(minus) => (format!("{}, {}", pair_title(row, minus), measure.difference()), Measure::effect),
            None => (format!("{}, {}", row_title(row), measure.named()), Measure::value),
        };
        let (value, of_tables) = (write(measure, *value, 1), write(measure, of_tables, 1));
        if agrees {
            audit.consistent.push(format!("{place}: {value} agrees with the table ({what})."));
        } else {
            audit.findings.push(Finding {
                place: place.clone(),
                says: format!("{quote} ({value})"),
                follows: format!("The table gives {of_tables} ({what})."),
                ask: format!("Which is right, {value} or {of_tables}?"),
                seriousness: Seriousness::Substantial,
            });
        }
    }
}

/// Differences of the tables that go against "outperforms".
fn directions(paper: &Paper, audit: &mut Audit) {
    for claim in &paper.claims {
        let Some(effect) = paper.effect(claim) else { continue };
        if effect * claim.measure.better.factor() < 0.0 {
            audit.findings.push(Finding {
                place: "Abstract, Section 5".into(),
                says: "our suggested loss function outperforms other well-known losses".into(),
                follows: format!(
                    "By the paper’s own number it is worse in {}, {}: {}. The abstract also says “in some cases”.",
                    pair_title(&claim.cells, &claim.against),
                    claim.measure.difference(),
                    claim.measure.effect(effect, 1)
                ),
                ask: "In which settings do you claim that FPL is better, and in which not?".into(),
                seriousness: Seriousness::Substantial,
            });
        }
    }
}

/// What one run can tell, for every pair of rows that a claim compares.
fn resolutions(paper: &Paper) -> Vec<Resolution> {
    let mut seen = BTreeSet::new();
    let pairs = paper.claims.iter().map(|claim| (&claim.cells, &claim.against));
    pairs
        .filter(|pair| seen.insert(*pair))
        .filter_map(|(cells, against)| {
            let errors = [paper.errors(cells)?, paper.errors(against)?];
            let images = f64::from(paper.test_images);
            let accuracy = errors.map(|errors| 1.0 - f64::from(errors) / images);
            let standard_errors = accuracy.map(|accuracy| 100.0 * accuracy_standard_error(accuracy, paper.test_images));
            let (smallest, largest) = mcnemar_bounds(errors[0], errors[1], paper.test_images);
            let of_pair = paper.claims.iter().filter(|claim| (&claim.cells, &claim.against) == (cells, against));
            Some(Resolution {
                claims: of_pair
                    .filter(|claim| [&FALSE_POSITIVES, &TOP1].contains(&claim.measure))
                    .map(|claim| claim.id.clone())
                    .collect(),
                pair: pair_title(cells, against),
                cells: cells.clone(),
                against: against.clone(),
                errors,
                points: 100.0 * (accuracy[0] - accuracy[1]),
                standard_error: standard_errors[0].max(standard_errors[1]),
                mcnemar: [smallest, largest],
                detectable: DETECTABLE * standard_errors[0].hypot(standard_errors[1]),
            })
        })
        .collect()
}

/// Differences that the printed numbers do not tell from chance. Both networks are tested on the same images, so the test is a
/// paired one, which needs to know how many images only one of them misses. That is not printed; what is bounds its p.
fn resolved(audit: &mut Audit) {
    for pair in audit.resolution.iter().filter(|pair| pair.mcnemar[1] > LEVEL) {
        let [smallest, largest] = pair.mcnemar.map(p_is);
        let (follows, seriousness) = if pair.mcnemar[0] > LEVEL {
            let follows = format!(
                "On the same test images even the most favourable case, in which every image that the better network misses is \
                 missed by the other too, has {smallest} (McNemar’s exact test): the test images alone can make such a \
                 difference."
            );
            (follows, Seriousness::Decisive)
        } else {
            let follows = format!(
                "On the same test images McNemar’s exact test has between {smallest} and {largest}, depending on how many images \
                 only one network misses, which is not printed: whether the test images alone can make such a difference \
                 cannot be told."
            );
            (follows, Seriousness::Substantial)
        };
        audit.findings.push(Finding {
            place: pair.pair.clone(),
            says: format!(
                "{} against {} misclassified images: {} points",
                count(pair.errors[0].into()),
                count(pair.errors[1].into()),
                signed(pair.points, 2)
            ),
            follows,
            ask: "How many test images does only the one, and only the other network miss?".into(),
            seriousness,
        });
    }
}

/// What a p value above is not significant.
const LEVEL: f64 = 0.05;

/// `Table 2, ResNet-18 (random), FPL` of `table2/resnet18/random/fpl`.
pub fn row_title(row: &RowId) -> String {
    format!("{}, {}", setting_title(&row.setting()), row.loss().to_uppercase())
}

/// `Table 2, ResNet-18 (random): FPL − CE` of two rows.
fn pair_title(row: &RowId, minus: &RowId) -> String {
    if row.setting() == minus.setting() {
        let [loss, against] = [row, minus].map(|row| row.loss().to_uppercase());
        return format!("{}: {loss} − {against}", setting_title(&row.setting()));
    }
    format!("{} − {}", row_title(row), row_title(minus))
}

/// `Table 2, ResNet-18 (random)` of `table2/resnet18/random`.
fn setting_title(setting: &Setting) -> String {
    let (table, architecture) = (setting.table(), setting.architecture());
    let table = table.strip_prefix("table").map_or_else(|| table.to_owned(), |number| format!("Table {number}"));
    let known = Architecture::ALL.into_iter().find(|known| known.id() == architecture);
    let architecture = known.map_or(architecture, |known| known.title());
    format!("{table}, {architecture} ({})", setting.initialization())
}
