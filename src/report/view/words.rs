//! The sentences that more than one form of the report has: each stands here once, and templates only set them.

use std::fmt::Write as _; // Writing to a String cannot fail.

use serde::Serialize;

use crate::number::{fixed, plural};
use crate::report::derived::Derived;
use crate::report::ledger::RULES;
use crate::report::protocols::Protocol;

/// Something that is explained: the term, and what is said of it.
type Term = (&'static str, &'static str);

/// The sentences, without markup.
#[derive(Debug, Serialize)]
pub struct Words {
    /// How much of the matrix there is, from `of 40 cells` on.
    pub status: String,
    /// That the data are not CIFAR-10; what is shown of the data's name follows.
    pub other_data: (&'static str, String),
    pub reduced: (&'static str, String),
    /// Why the numbers can be believed.
    pub believe: &'static str,
    /// What the loss is, and what it is compared with.
    pub method: [&'static str; 2],
    pub protocols: &'static str,
    /// How the ledger is to be read.
    pub claims: String,
    /// The verdict, its condition, and what to do about it.
    pub verdicts: Vec<(&'static str, &'static str, &'static str)>,
    pub printed: &'static str,
    pub readings: &'static str,
    pub audit: &'static str,
    pub resolution: &'static str,
    pub setup: &'static str,
    pub other_reading: &'static str,
    pub results: &'static str,
    pub further: &'static str,
    pub contrasts: &'static str,
    pub supplement: &'static str,
    pub measures: [Term; 5],
    pub changed_data: &'static str,
    pub cost: &'static str,
}

impl Words {
    /// The sentences of a report.
    pub(super) fn new(derived: &Derived) -> Self {
        let status = &derived.status;
        Self {
            status: of_status(derived),
            other_data: (
                "Generated or other data.",
                format!(
                    "These are not the results of CIFAR-10: the data are “{}”. No number here says anything about the paper.",
                    derived.input.dataset.name
                ),
            ),
            reduced: (
                "Reduced runs.",
                format!(
                    "{} of {} {} not follow the paper’s protocol but {}. Their numbers are marked † and are no evidence \
                     for or against the paper’s claims.",
                    status.reduced,
                    plural(status.cells, "cell"),
                    if status.cells == 1 { "does" } else { "do" },
                    names(&derived.index.protocols().list)
                ),
            ),
            believe: "Every number of ours leads to the runs behind it, and anyone can compute all of them again from the bundle.",
            method: [
                "Cross-entropy (CE) looks at p_T alone, the probability that the network gives to the true class.",
                "False Positive Loss (FPL) also penalises p_F, the largest probability of a wrong class, so that the class \
                 that is mistaken for the true one is pushed down; α_i = (N − N_i)/N is 0.9 for every class of CIFAR-10.",
            ],
            protocols: "How the runs differ from the paper’s protocol (paper → ours). Rows, captions and claims name these.",
            claims: format!(
                "A claim is about the difference between two losses. Ours is the mean over pairs of runs with the same \
                 seed, with its 95 % interval by Student’s t. The p value is that of joint sign flips: if the losses do not \
                 differ, their labels can be swapped within a seed, in all claims together, and p is the share of swaps that \
                 look as extreme in any claim. It is adjusted over the {} of the family declared in paper.toml, whether they \
                 were run or not. One looks after the planned numbers of pairs only ({}), each look with its share of {} %, \
                 since looking after every pair would err more often. Whether the protocol is identified is said by the \
                 numbers that the paper prints: each must be a plausible further run of ours.",
                plural(derived.ledger.family, "claim"),
                derived.input.paper.family.looks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                fixed(100.0 * derived.input.paper.family.level, 0)
            ),
            printed: "Every total and accuracy that the paper prints, against the 95 % prediction \
                      interval of one further run of ours. Outside: p below 5 %, adjusted by Holm over all of them, those \
                      without runs counted. The spread is that of the row’s own runs; where they are fewer than five, that \
                      of all rows with the same architecture (pooled). With fewer than four degrees of freedom a number can be \
                      excluded but not taken in: the interval holds nearly everything.",
            readings: "For each row that the paper prints, the log density of a further run at the \
                       printed numbers under every reading that was run, the likeliest first; excluded where p is below 5 %.",
            verdicts: RULES.iter().map(|rule| (rule.title, rule.when, rule.then)).collect(),
            audit: "The paper’s numbers and statements held against each other. This needs no run: it is the same in every \
                    report.",
            resolution: "The paper has one run per row. Both networks of a pair are tested on the same images, so the test for their \
                         difference is McNemar’s, which needs to know which images both miss; from the error counts alone, \
                         its exact p lies between the two values given. Accuracies of independent test images would have \
                         to differ by 2.8 standard errors of a difference to be told apart with 80 % power: more than is needed \
                         here.",
            setup: "Setup: the paper’s beside ours, the latter read from the records of the runs.",
            other_reading: "“False positive” can also be read as an image of the class that is missed. The totals are the \
                            same: see",
            results: "A difference is ours − the paper’s. “Total” is the number of misclassified test images, each of which \
                      is one false positive of the class that it is taken for; so it fixes the accuracy.",
            further: "The paper does not have these: they are tables of the configuration.",
            contrasts: "The mean difference over pairs of runs with the same seed, ± its standard deviation. For false \
                        positives, negative is better; for accuracy, positive is.",
            supplement: "The paper does not have these. They are drawn from the same runs as the tables.",
            measures: MEASURES,
            changed_data: "Trainings on data that were made imbalanced or noisy; the test set is whole and clean. Classes are \
                           many-shot with more than 100 training images, medium-shot with 20 to 100, few-shot with fewer \
                           (Liu et al., 2019). Memorised is the share of the wrong labels that the network predicts for \
                           their images after the last epoch.",
            cost: "Training alone, without the evaluations after epochs. Times of different machines, or of several runs at \
                   once on one machine, do not compare losses.",
        }
    }
}

fn of_status(derived: &Derived) -> String {
    let status = &derived.status;
    let be = |count: usize, one: &'static str, several: &'static str| if count == 1 { one } else { several };
    let mut text = format!(
        "of {} (network × loss × initial weights × seed), {} {} results",
        plural(status.cells, "cell"),
        status.done,
        be(status.done, "has", "have")
    );
    if status.trainings < status.done {
        let _ = write!(text, ", from {}, since tables share cells", plural(status.trainings, "training"));
    }
    let _ = write!(text, "; {} failed, {} not run", status.failed, status.not_run);
    if status.reduced_done == status.done && status.done > 0 {
        text += "; all of them follow a reduced protocol";
    } else if status.reduced_done > 0 {
        let _ = write!(text, "; {} of the {} with results follow a reduced protocol", status.reduced_done, status.done);
    } else if status.done > 0 {
        text += "; all results follow the paper’s protocol as far as it is known";
    }
    if status.imported > 0 {
        let was = be(status.imported, "was", "were");
        let _ = write!(text, "; {} {was} run elsewhere and imported", status.imported);
    }
    text
}

/// `P1`, `P1 and P2`, `P1 to P4`
fn names(protocols: &[Protocol]) -> String {
    match protocols {
        [] => String::new(),
        [only] => only.name.clone(),
        [first, last] => format!("{} and {}", first.name, last.name),
        [first, .., last] => format!("{} to {}", first.name, last.name),
    }
}

const MEASURES: [Term; 5] = [
    (
        "Eq. 9 is not top-1.",
        "The paper defines accuracy as (TP + TN)/(TP + FP + TN + FN). Pooled over ten classes, each against the rest, it is \
         1 − 2·(1 − top-1)/10: the true negatives of the other nine classes dominate, and a network that guesses has 82 %. \
         The paper’s tables can only be top-1.",
    ),
    (
        "p_F",
        "is the largest softmax probability among the wrong classes, which FPL penalises; the paper says that CE “could not \
         suppress” it.",
    ),
    ("The margin", "is p_T − p_F, negative for a misclassified image."),
    ("ECE", "is the expected calibration error over 15 bins: how far confidence is from accuracy."),
    (
        "Roughness",
        "is the standard deviation of the top-1 curve around its own local trend; the paper calls FPL’s curve smoother.",
    ),
];
