//! Why a claim has its verdict, in sentences that a reader can act on.

use super::family::Detectable;
use super::gather::Gather;
use super::verdict::{Protocol, Side, Verdict};
use super::{Entry, Evidence};
use crate::number::{listed, p_is, plural};
use crate::paper::Claim;
use crate::report::cells::is_other_data;

/// What a reason rests on beside the claim.
pub(super) struct Context<'a> {
    pub(super) gather: &'a Gather<'a>,
    /// Power of the test that the claim is under.
    pub(super) detectable: &'a Detectable,
    /// Claims of the family that take part.
    pub(super) members: usize,
}

/// The reason of an entry whose verdict is set.
pub(super) fn why(entry: &Entry, context: &Context) -> String {
    let Entry { claim, evidence, verdict, .. } = entry;
    let sides = [&claim.cells, &claim.against];
    if let Some(side) = sides.into_iter().find(|side| !context.gather.has(side)) {
        return format!("This configuration has no cells {side}.{}", elsewhere(claim));
    }
    match verdict {
        Verdict::NotRun => format!(
            "No seed has results of both {0} and {1}. To run them: `fpl-repro all --cells '{0}/*' --cells '{1}/*'`.",
            claim.cells, claim.against
        ),
        Verdict::Reproduced | Verdict::Contradicted => decided(entry),
        Verdict::NoDifference => {
            joined([no_difference(entry), "The planned looks reject nothing.".to_owned(), entry.protocol_why.clone()])
        }
        Verdict::NotRebuilt => joined([
            entry.protocol_why.clone(),
            format!("Of that other experiment the runs show this: {}", lower(&shown(evidence, entry))),
            "`fpl-repro readings` ranks what else the paper may mean.".to_owned(),
        ]),
        Verdict::DirectionOnly | Verdict::OtherDirection | Verdict::Inconclusive => undecided(entry, context),
    }
}

/// What runs the cells of a claim that another profile has.
fn elsewhere(claim: &Claim) -> String {
    let Claim { profile, cells, against, .. } = claim;
    if profile.is_empty() {
        return String::new();
    }
    format!(" To run them: `fpl-repro all --profile {profile} --cells '{cells}/*' --cells '{against}/*'`.")
}

fn decided(entry: &Entry) -> String {
    let side = if entry.verdict == Verdict::Reproduced { "the claimed" } else { "the other" };
    let pairs = entry.test.rejected_after.unwrap_or(entry.evidence.pairs());
    let p = entry.test.p_adjusted.map_or_else(String::new, |p| format!("; over all pairs adjusted {}", p_is(p)));
    let small = entry.equivalence.as_ref().filter(|equivalence| equivalence.p <= super::LEVEL);
    joined([
        format!("The planned look after {} rejects “no difference” on {side} side{p}.", plural(pairs, "pair")),
        entry.protocol_why.clone(),
        small.map_or_else(String::new, |_| format!("But it is small: {}", lower(&no_difference(entry)))),
    ])
}

fn no_difference(entry: &Entry) -> String {
    let measure = entry.claim.measure;
    entry.equivalence.as_ref().map_or_else(String::new, |equivalence| {
        format!(
            "The difference is smaller than ±{}, the smallest that matters (two one-sided sign-flip tests, {}).",
            measure.value(equivalence.margin, 1),
            p_is(equivalence.p)
        )
    })
}

fn undecided(entry: &Entry, context: &Context) -> String {
    let evidence = &entry.evidence;
    if is_other_data(&context.gather.input.dataset) {
        return "The data are not CIFAR-10: nothing here concerns the claim.".into();
    }
    let shown = shown(evidence, entry);
    if !evidence.deviations.is_empty() {
        return format!("{shown} The protocol is reduced: it cannot test the claim itself.");
    }
    if !entry.member {
        let secondary = "The claim is outside the declared family: its p is not adjusted, and it can show no more.";
        return joined([shown, secondary.to_owned(), needed(entry, context)]);
    }
    let protocol = if entry.protocol == Protocol::Unknown { entry.protocol_why.clone() } else { String::new() };
    joined([shown, next_look(entry, context), protocol, needed(entry, context)])
}

/// What the pairs show, without a test.
fn shown(evidence: &Evidence, entry: &Entry) -> String {
    match (evidence.interval, evidence.interval_side(entry.claim.claimed), evidence.pairs()) {
        (None, _, 1) => "One pair of runs has no interval.",
        (None, _, _) => "All pairs have the same difference, so there is no interval.",
        (_, None, _) => "The 95 % interval includes 0.",
        (_, Some(Side::Claimed), _) => "The 95 % interval lies on the claimed side.",
        (_, Some(Side::Other), _) => "The 95 % interval lies on the other side.",
    }
    .to_owned()
}

/// When the plan can decide, or that it is over.
fn next_look(entry: &Entry, context: &Context) -> String {
    let family = &context.gather.input.paper.family;
    let pairs = entry.evidence.pairs();
    if let Some(after) = entry.test.rejected_after {
        return format!("The planned look after {} rejects “no difference”.", plural(after, "pair"));
    }
    if pairs >= family.planned_pairs {
        let planned = plural(family.planned_pairs, "pair");
        return format!("The {planned} that were planned are there and decide nothing; further ones are exploratory.");
    }
    let looks: Vec<u64> = family.looks.iter().map(|look| *look as u64).collect();
    let looks = listed("pair", &looks).replacen("pairs ", "", 1).replacen("pair ", "", 1);
    let without_runs = family.claims.len() - context.members;
    match family.plan().ok().and_then(|plan| plan.first_look(context.members, without_runs)) {
        Some(first) if pairs < first => format!(
            "Nothing can be decided before {} (looks are planned after {looks}); {pairs} are there: run {} more.",
            plural(first, "pair"),
            plural(first - pairs, "seed")
        ),
        Some(_) => {
            let next = family.looks.iter().find(|look| **look > pairs).unwrap_or(&family.planned_pairs);
            format!("The next look is after {}: run {} more.", plural(*next, "pair"), plural(next - pairs, "seed"))
        }
        None => "With so many claims not run the plan cannot decide this one: run more of the family.".to_owned(),
    }
}

/// How many pairs would show the difference.
fn needed(entry: &Entry, context: &Context) -> String {
    let evidence = &entry.evidence;
    let effect = entry.paper_effect.or(evidence.mean).filter(|effect| *effect != 0.0);
    let whose = if entry.paper_effect.is_some() { "the paper's effect" } else { "the effect seen so far" };
    let (Some(effect), Some(sd)) = (effect, evidence.sd.filter(|_| evidence.interval.is_some())) else {
        return String::new();
    };
    match context.detectable.pairs(effect, sd) {
        Some(count) if count <= evidence.pairs() => {
            format!("These {} would have shown {whose} with 80 % power.", plural(evidence.pairs(), "pair"))
        }
        Some(count) => format!("At this spread about {} would show {whose} with 80 % power.", plural(count, "pair")),
        None => format!("At this spread more than 10,000 pairs would be needed to show {whose}."),
    }
}

fn joined<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// With a small first letter, after a colon.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}
