//! Ranges of the losses' parameters.

use super::Check;
use crate::error::Result;
use crate::recipe::{Alpha, Loss, Term};

impl Check<'_> {
    pub(super) fn loss(&self, name: &str, loss: &Loss) -> Result<()> {
        let at = |key| ["losses", name, key];
        match *loss {
            Loss::CrossEntropy | Loss::MeanAbsoluteError | Loss::BalancedSoftmax => Ok(()),
            Loss::ScaledCrossEntropy { factor } => {
                let help = "1 is cross-entropy itself";
                self.that(factor > 0.0 && factor.is_finite(), &at("factor"), "must be positive", help)
            }
            // How many wrong classes there are is the data set's: `row_data` checks it.
            Loss::Fpl { true_term, false_term, false_classes: _, aggregate: _, alpha } => {
                self.term(name, "true_term", true_term)?;
                self.term(name, "false_term", false_term)?;
                self.alpha(name, alpha)
            }
            Loss::Focal { gamma } => self.gamma(&at("gamma"), gamma),
            Loss::ClassBalanced { beta } => self.effective_number(&at("beta"), beta),
            Loss::LogitAdjustment { tau } => {
                let help = "1 is usual, and balanced softmax; 0 is cross-entropy";
                self.that(tau >= 0.0 && tau.is_finite(), &at("tau"), "must not be negative", help)
            }
            Loss::Ldam { max_margin, scale, deferred_reweighting } => {
                let margin = max_margin >= 0.0 && max_margin.is_finite();
                self.that(
                    margin,
                    &at("max_margin"),
                    "must not be negative",
                    "its authors use 0.5; 0 is cross-entropy",
                )?;
                let help = "1 leaves logits as they are; its authors' 30 is for a head that is normalised";
                self.that(scale > 0.0 && scale.is_finite(), &at("scale"), "must be positive", help)?;
                let at = ["losses", name, "deferred_reweighting", "beta"];
                deferred_reweighting.map_or(Ok(()), |deferred| self.effective_number(&at, deferred.beta))
            }
            Loss::Poly { epsilon } => self.poly(&at("epsilon"), epsilon),
            Loss::GeneralizedCrossEntropy { q } => self.exponent(&at("q"), q),
            Loss::SymmetricCrossEntropy { alpha, beta, log_zero } => {
                let weight = |value: f64| value >= 0.0 && value.is_finite();
                let message = "must not be negative";
                self.that(weight(alpha), &at("alpha"), message, "its authors use 0.1 for CIFAR-10")?;
                self.that(weight(beta), &at("beta"), message, "its authors use 1 for CIFAR-10")?;
                self.that(alpha + beta > 0.0, &at("beta"), "nothing is left of the loss", "set `alpha` or `beta`")?;
                let negative = log_zero < 0.0 && log_zero.is_finite();
                self.that(negative, &at("log_zero"), "must be negative: it stands for log 0", "−4 is usual")
            }
            Loss::TaylorCrossEntropy { order } => {
                let help = "1 is half the mean absolute error; the higher, the closer to cross-entropy";
                self.that((1..=100).contains(&order), &at("order"), "must be 1 to 100", help)
            }
            Loss::LabelSmoothing { epsilon } => {
                let help = "0.1 is usual; 0 is cross-entropy";
                self.that((0.0..1.0).contains(&epsilon), &at("epsilon"), "must be at least 0 and below 1", help)
            }
        }
    }

    fn alpha(&self, name: &str, alpha: Alpha) -> Result<()> {
        let Alpha::Constant { true_class, false_class } = alpha else { return Ok(()) };
        for (key, value) in [("true_class", true_class), ("false_class", false_class)] {
            let valid = value.is_finite() && value >= 0.0;
            let at = ["losses", name, "alpha", key];
            self.that(valid, &at, "must not be negative", "1 leaves the term as it is")?;
        }
        let at = ["losses", name, "alpha", "true_class"];
        self.that(true_class + false_class > 0.0, &at, "nothing is left of the loss", "set one of the two above 0")
    }

    fn term(&self, name: &str, key: &str, term: Term) -> Result<()> {
        let at = |parameter| ["losses", name, key, parameter];
        match term {
            Term::Log | Term::Squared | Term::Linear => Ok(()),
            Term::Focal { gamma } => self.gamma(&at("gamma"), gamma),
            Term::Poly { epsilon } => self.poly(&at("epsilon"), epsilon),
            Term::Generalized { exponent } => self.exponent(&at("exponent"), exponent),
        }
    }

    fn gamma(&self, at: &[&str], gamma: f64) -> Result<()> {
        self.that(gamma >= 0.0 && gamma.is_finite(), at, "must not be negative", "2 is usual; 0 is cross-entropy")
    }

    fn effective_number(&self, at: &[&str], beta: f64) -> Result<()> {
        let help = "its authors use 0.9 to 0.9999; 0 weighs all classes alike";
        self.that((0.0..1.0).contains(&beta), at, "must be at least 0 and below 1", help)
    }

    /// Below −1 the loss of a class that is nearly certain would be negative and grow as it becomes less so.
    fn poly(&self, at: &[&str], epsilon: f64) -> Result<()> {
        self.that(epsilon >= -1.0 && epsilon.is_finite(), at, "must be −1 or more", "0 is cross-entropy")
    }

    fn exponent(&self, at: &[&str], exponent: f64) -> Result<()> {
        let possible = exponent > 0.0 && exponent <= 1.0;
        self.that(possible, at, "must be above 0 and at most 1", "0.7 is usual; 1 is linear, towards 0 cross-entropy")
    }
}
