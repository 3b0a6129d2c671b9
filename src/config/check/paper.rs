//! `paper.toml`: sums, differences and references. What the paper itself contradicts is marked there as such.

use std::collections::BTreeSet;

use super::Check;
use crate::data::CIFAR10;
use crate::error::Result;
use crate::paper::{Assumption, Claim, Family, Paper, Statement};
use crate::stats::SpendingPlan;

impl Check<'_> {
    pub(super) fn paper(&self, paper: &Paper) -> Result<()> {
        self.that(paper.test_images > 0, &["paper", "test_images"], "there must be test images", "set it to 10000")?;
        self.sums(paper)?;
        for (index, statement) in paper.statements.iter().enumerate() {
            self.statement(paper, &index.to_string(), statement)?;
        }
        let mut ids = BTreeSet::new();
        for (index, claim) in paper.claims.iter().enumerate() {
            let at = ["paper", "claims", &index.to_string(), "id"];
            self.that(ids.insert(&claim.id), &at, "two claims have this id", "give every claim its own")?;
            self.claim(&index.to_string(), claim)?;
        }
        self.family(&paper.family, &ids)?;
        for (index, margin) in paper.margins.iter().enumerate() {
            let at = ["paper", "margins", &index.to_string(), "difference"];
            let positive = margin.difference > 0.0 && margin.difference.is_finite();
            self.that(positive, &at, "a difference that matters is above 0", "give it in the measure's unit")?;
            let earlier = paper.margins[..index].iter().any(|other| other.measure == margin.measure);
            self.that(!earlier, &at, "two margins are of this measure", "keep one of them")?;
        }
        for (index, assumption) in paper.assumptions.iter().enumerate() {
            self.assumption(&index.to_string(), assumption, &ids)?;
        }
        Ok(())
    }

    /// The paper's counts are of CIFAR-10's classes, and add up to the total.
    fn sums(&self, paper: &Paper) -> Result<()> {
        for (row, numbers) in paper.rows() {
            let (classes, sum) = (numbers.false_positives.len(), numbers.false_positives.iter().sum::<u32>());
            let setting = row.setting();
            let at = ["paper", "tables", setting.as_str(), row.loss()];
            self.that(
                classes == 0 || classes == CIFAR10.classes.len(),
                &at,
                &format!("{classes} classes, expected {}", CIFAR10.classes.len()),
                "give one number per class, airplane to truck, or none",
            )?;
            let Some(total) = numbers.total_false_positives.filter(|_| classes > 0) else { continue };
            let message = format!("the classes add up to {sum}, not to the total of {total}");
            self.that(sum == total || !numbers.adds_up, &at, &message, DIFFERS)?;
        }
        Ok(())
    }

    fn statement(&self, paper: &Paper, index: &str, statement: &Statement) -> Result<()> {
        for (key, row) in [("row", Some(&statement.row)), ("minus", statement.minus.as_ref())] {
            let Some(row) = row else { continue };
            let known = paper.of_tables(statement.measure, row, None).is_some();
            let message = format!("the paper's tables have no {} of `{row}`", statement.measure.title);
            self.that(known, &["paper", "statements", index, key], &message, "name a row of `[paper.tables]`")?;
        }
        let Some((of_tables, agrees)) = paper.check(statement) else { return Ok(()) };
        let at = ["paper", "statements", index, "value"];
        let message = format!("the table gives {of_tables:.4}, not {}", statement.value);
        self.that(agrees || !statement.agrees, &at, &message, DIFFERS)?;
        self.that(!agrees || statement.agrees, &at, "the table agrees with it", "remove `agrees = false`")
    }

    fn claim(&self, index: &str, claim: &Claim) -> Result<()> {
        let at = ["paper", "claims", index, "against"];
        self.that(claim.cells != claim.against, &at, "cells are compared with themselves", "name other cells")
    }

    /// The family's claims exist, each once, and its looks make a plan.
    fn family(&self, family: &Family, ids: &BTreeSet<&String>) -> Result<()> {
        let at = |key| ["paper", "family", key];
        let mut seen = BTreeSet::new();
        for claim in &family.claims {
            self.refers(&at("claims"), claim, ids.iter().copied())?;
            let message = format!("`{claim}` is in the family twice");
            self.that(seen.insert(claim), &at("claims"), &message, "name every claim once")?;
        }
        self.that(!seen.is_empty(), &at("claims"), "the family has no claim", "name the claims that are judged")?;
        let level = family.level > 0.0 && family.level < 1.0;
        self.that(level, &at("level"), "a level lies between 0 and 1", "5 % is `level = 0.05`")?;
        let pairs = SpendingPlan::new(family.planned_pairs, 0.05, 1.0);
        self.that(pairs.is_ok(), &at("planned_pairs"), "1 to 20 pairs can be planned", "9 decide among 8 claims")?;
        let rho = family.rho > 0.0 && family.rho.is_finite();
        self.that(rho, &at("rho"), "the exponent is positive", "3.0 keeps most of the level for the last look")?;
        let message = format!("the looks do not ascend from 1 or more to planned_pairs, {}", family.planned_pairs);
        self.that(family.plan().is_ok(), &at("looks"), &message, "end with planned_pairs, like `looks = [6, 9]`")
    }

    fn assumption(&self, index: &str, assumption: &Assumption, ids: &BTreeSet<&String>) -> Result<()> {
        for claim in &assumption.claims {
            self.refers(&["paper", "assumptions", index, "claims"], claim, ids.iter().copied())?;
        }
        Ok(())
    }
}

const DIFFERS: &str = "correct the number, or mark what the paper has so with `agrees = false` or `adds_up = false`";
