//! The stages of the pipeline, and the versions that enter their fingerprints.

/// The stages in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageKind {
    /// Download, verify and unpack data or weights.
    Fetch,
    /// Train a cell.
    Train,
    /// Score a trained cell on the test set.
    Evaluate,
    /// Draw the figures.
    Plot,
    /// Write the report.
    Report,
}

impl StageKind {
    /// All stages.
    pub const ALL: [Self; 5] = [Self::Fetch, Self::Train, Self::Evaluate, Self::Plot, Self::Report];

    /// The name used in commands, paths and manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Train => "train",
            Self::Evaluate => "evaluate",
            Self::Plot => "plot",
            Self::Report => "report",
        }
    }

    /// Bumped when the stage would write another result for the same fields and inputs.
    #[allow(clippy::match_same_arms)] // Every stage has a history of its own.
    pub fn version(self) -> u32 {
        match self {
            // 1: original.
            Self::Fetch => 1,
            // 1: original. 2: other orders of additions (small maps tap by tap, one pass per optimizer step).
            Self::Train => 2,
            // 1: original. 2: predictions of every image, margins, calibration. 3: larger minibatches.
            Self::Evaluate => 3,
            // 1: original. 2: figures of what the paper does not show. 3: durations and counts as everywhere else.
            // 4: recall against class size. 5: effects, printed numbers, training loss, accuracy against imbalance and noise;
            // figures for columns, phones and dark mode. 6: the paper's end points beside Figure 3; figures that phones can read;
            // runs that are there twice count once.
            Self::Plot => 6,
            // 1: original. 2: audit, claims, assumptions, and further forms. 3: one way to write each number.
            // 4: measures of trainings on imbalanced and noisy data. 5: verdicts of a declared family, printed numbers, readings.
            // 6: opens with the verdict, named protocols, LaTeX for columns and pages, tidy CSV, the authors' questions.
            // 7: open details in words under every profile; shorter on paper, whole on a phone; the summary counts trainings;
            // runs that are there twice count once.
            Self::Report => 7,
        }
    }
}
