//! `all --until-decided` and `plan --budget`: the order of pairs and the budget in a world of made-up claims, standings of the
//! ledger, and a small project from beginning to end.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use fpl_repro::error::Result;
use fpl_repro::id::RowId;
use fpl_repro::report::input::ReportInput;
use fpl_repro::report::ledger::{Progress, Standing, progress};
use fpl_repro::run::until_decided::{Candidate, Ending, Pair, Ran, World, until_decided};

use crate::ledger::{ALL_POSITIVE, scratch, scratch_at};
use crate::support::Project;

/// A claim whose pairs take as long as it says, and that is decided once it has enough.
struct Claim {
    id: &'static str,
    rows: [RowId; 2],
    needed: usize,
    seconds: Option<f64>,
    /// What its next pair comes to.
    ran: Ran,
    /// After so many pairs it is futile.
    futile_after: usize,
}

/// A world with a clock of its own, in which a pair of unknown cost takes 1,000 s.
struct Made {
    claims: Vec<Claim>,
    pairs: Vec<([RowId; 2], u64)>,
    clock: f64,
    told: Vec<String>,
}

fn claim(id: &'static str, architecture: &str, needed: usize, seconds: impl Into<Option<f64>>) -> Claim {
    let row = |loss: &str| format!("table2/{architecture}/random/{loss}").parse().unwrap();
    let rows = [row("fpl"), row("ce")];
    Claim { id, rows, needed, seconds: seconds.into(), ran: Ran::Done, futile_after: usize::MAX }
}

fn world(claims: Vec<Claim>) -> Made {
    Made { claims, pairs: Vec::new(), clock: 0.0, told: Vec::new() }
}

impl World for Made {
    fn elapsed(&self) -> f64 {
        self.clock
    }

    fn candidates(&mut self) -> Result<Vec<Candidate>> {
        let candidate = |claim: &Claim| {
            let pairs = self.pairs.iter().filter(|(rows, _)| *rows == claim.rows).count();
            let standing = match pairs {
                _ if pairs >= claim.needed => Standing::Decided("as it is".into()),
                _ if pairs >= claim.futile_after => Standing::Futile("as it is".into()),
                _ => Standing::Open(claim.needed),
            };
            let open = matches!(standing, Standing::Open(_));
            let seeds = if open { pairs as u64..claim.needed as u64 } else { 0..0 };
            let pair = |seed| Pair { rows: claim.rows.clone(), seed, seconds: claim.seconds };
            let (id, rows) = (claim.id.to_owned(), claim.rows.clone());
            let progress = Progress { claim: id, rows, pairs, reduced: false, standing };
            Candidate { progress, missing: seeds.map(pair).collect() }
        };
        Ok(self.claims.iter().map(candidate).collect())
    }

    fn run(&mut self, pair: &Pair) -> Result<Ran> {
        self.clock += pair.seconds.unwrap_or(1_000.0);
        let claim = self.claims.iter().find(|claim| claim.rows == pair.rows).unwrap();
        if claim.ran == Ran::Done {
            self.pairs.push((pair.rows.clone(), pair.seed));
        }
        Ok(claim.ran.clone())
    }

    fn tell(&mut self, text: &str) {
        self.told.push(text.to_owned());
    }
}

impl Made {
    /// `resnet18 0`: architecture and seed of the pairs that were run.
    fn ran(&self) -> Vec<String> {
        let architecture = |rows: &[RowId; 2]| rows[0].setting().architecture().to_owned();
        self.pairs.iter().map(|(rows, seed)| format!("{} {seed}", architecture(rows))).collect()
    }

    fn run_all(&mut self, budget: Option<f64>) -> Ending {
        until_decided(self, budget, true).unwrap()
    }
}

#[test]
fn the_cheapest_decision_comes_first() {
    // 3 × 100 s and 1 × 200 s; nobody knows what the third takes.
    let claims = vec![
        claim("A", "resnet18", 3, 100.0),
        claim("B", "resnet50", 1, 200.0),
        claim("C", "efficientnetv2-s", 1, None),
    ];
    let mut made = world(claims);
    let ending = made.run_all(None);
    assert_eq!(made.ran(), ["resnet50 0", "resnet18 0", "resnet18 1", "resnet18 2", "efficientnetv2-s 0"]);
    assert_eq!((ending.pairs, ending.failed), (5, false));
    assert!(made.told[0].ends_with("next: B, seed 0, about 3 min 20 s"), "{}", made.told[0]);
    assert!(made.told[1].contains("B          1 pair  decided: as it is"), "{}", made.told[1]);
    assert!(made.told[1].ends_with("next: A, seed 0, about 1 min 40 s"), "{}", made.told[1]);
    assert!(made.told[2].contains("A          1 pair  open: may be decided after 3 pairs, about 3 min 20 s"));
    assert!(made.told[4].ends_with("next: C, seed 0, time unknown"), "{}", made.told[4]);
    assert!(made.told[5].ends_with("next: nothing is left to run"), "{}", made.told[5]);
}

#[test]
fn claims_about_the_same_cells_share_their_runs() {
    let mut made = world(vec![claim("A", "resnet18", 2, 10.0), claim("B", "resnet18", 3, 10.0)]);
    let ending = made.run_all(None);
    assert_eq!(made.ran(), ["resnet18 0", "resnet18 1", "resnet18 2"]);
    assert!(ending.candidates.iter().all(|candidate| matches!(candidate.progress.standing, Standing::Decided(_))));
}

#[test]
fn a_budget_is_kept() {
    let claims = || vec![claim("A", "resnet18", 3, 100.0), claim("B", "resnet50", 1, 200.0)];
    let mut made = world(claims());
    assert_eq!(made.run_all(Some(350.0)).pairs, 2);
    assert_eq!((made.ran(), made.clock), (vec!["resnet50 0".to_owned(), "resnet18 0".to_owned()], 300.0));
    assert!(made.told[2].ends_with("next: nothing that fits; 50 s of the budget are left"), "{}", made.told[2]);
    // Of the cheapest decision not even a pair fits, of the other one does.
    let mut made = world(vec![claim("A", "resnet18", 9, 100.0), claim("B", "resnet50", 1, 200.0)]);
    made.run_all(Some(150.0));
    assert_eq!(made.ran(), ["resnet18 0"]);
    let mut made = world(claims());
    assert_eq!((made.run_all(Some(300.0)).pairs, made.run_all(Some(300.0)).pairs), (2, 0));
}

#[test]
fn what_is_futile_is_given_up() {
    let futile = Claim { futile_after: 2, ..claim("A", "resnet18", 9, 10.0) };
    let mut made = world(vec![futile, claim("B", "resnet50", 1, 100.0)]);
    made.run_all(None);
    assert_eq!(made.ran(), ["resnet18 0", "resnet18 1", "resnet50 0"].map(str::to_owned)[..]);
    assert!(made.told[2].contains("A         2 pairs  futile: as it is"), "{}", made.told[2]);
}

#[test]
fn what_fails_is_left_out_and_what_is_out_of_time_ends_it() {
    let failing = || Claim { ran: Ran::Failed("seed0: diverged".into()), ..claim("A", "resnet18", 2, 10.0) };
    let mut made = world(vec![failing(), claim("B", "resnet50", 1, 100.0)]);
    let ending = made.run_all(None);
    assert_eq!((made.ran(), ending.failed), (vec!["resnet50 0".to_owned()], true));
    assert!(made.told[1].contains("cannot go on: seed0: diverged"), "{}", made.told[1]);
    let mut made = world(vec![failing(), claim("B", "resnet50", 1, 100.0)]);
    let ending = until_decided(&mut made, None, false).unwrap();
    assert_eq!((made.ran(), ending.failed), (Vec::<String>::new(), true));
    let slow = Claim { ran: Ran::OutOfTime, ..claim("A", "resnet18", 2, None) };
    let mut made = world(vec![slow]);
    let ending = made.run_all(Some(500.0));
    assert_eq!((ending.pairs, ending.failed, made.told.len()), (0, false, 2));
    assert!(made.told[1].starts_with("The budget is spent"), "{}", made.told[1]);
}

/// Where T3-a stands.
fn standing(input: &ReportInput) -> Standing {
    let all = progress(input, |_| true);
    // All claims of the family have cells in the paper's tables.
    assert_eq!(all.len(), 8);
    all.into_iter().find(|progress| progress.claim == "T3-a").unwrap().standing
}

#[test]
fn standings_are_the_ledgers() {
    // Eight claims share the level: six pairs may reject 0.05·(6/9)³·32 = 0.47 patterns, nine 0.05·256 = 12.
    assert_eq!(standing(&scratch(&ALL_POSITIVE[..3])), Standing::Open(9));
    let rejected = "“no difference” is rejected after 9 pairs, on the claimed side";
    assert_eq!(standing(&scratch(&ALL_POSITIVE)), Standing::Decided(rejected.into()));
    // 20 points below the paper, three pairs tell it.
    let Standing::Decided(why) = standing(&scratch_at(74.93, &ALL_POSITIVE[..3])) else { panic!("open") };
    assert!(why.starts_with("not rebuilt"), "{why}");
    let alike = [0.02, -0.03, 0.01, 0.04, -0.02, -0.04, 0.03, -0.01, 0.02];
    assert_eq!(standing(&scratch(&alike)), Standing::Decided("no difference that matters, after 9 pairs".into()));
    assert_eq!(standing(&scratch(&alike[..8])), Standing::Open(9));
    // A mean near 0 with a standard deviation of two points: two pairs more bring neither a sign nor ±0.5 points.
    let wide = [2.0, -2.0, 2.1, -2.1, 1.9, -1.9, 2.0, -2.0, 1.0];
    assert!(matches!(standing(&scratch(&wide[..7])), Standing::Futile(_)), "{:?}", standing(&scratch(&wide[..7])));
    assert_eq!(standing(&scratch(&wide[..2])), Standing::Open(9));
    assert_eq!(standing(&scratch(&wide)), Standing::Over("the 9 pairs that were planned decide nothing".into()));
}

#[test]
fn reduced_runs_are_decided_apart() {
    let mut input = scratch(&ALL_POSITIVE);
    input.cells.iter_mut().for_each(|cell| cell.deviations = vec!["epochs: 200 → 3".into()]);
    let all = progress(&input, |_| true);
    let claim = all.iter().find(|progress| progress.claim == "T3-a").unwrap();
    assert!(claim.reduced && matches!(claim.standing, Standing::Decided(_)), "{claim:?}");
    assert!(all.iter().all(|progress| progress.reduced));
}

#[test]
fn a_plan_says_what_its_seeds_decide() {
    let project = Project::new();
    let says = |args: &[&str], text: &str| {
        let output = project.raw(&[&["plan"], args].concat());
        assert_eq!(output.code, 0, "{output:#?}");
        output.says(text);
    };
    let all = "T2-a, T2-b, T3-a, T3-b, T3-c1, T3-c2, F3, S3.5";
    says(&[], &format!("5 seeds: no claim can be decided, 9 can decide {all}"));
    says(&["--seeds", "0..8"], &format!("9 seeds can decide {all}, after 9 pairs at the earliest"));
    // One claim of eight may spend 0.05/8 of 256 patterns: 1.6.
    says(&["--cells", "table2/resnet18/*"], "5 seeds: no claim can be decided, 9 can decide T2-b");
    says(&["--profile", "test"], "no number of seeds decides a claim of the family: its cells are reduced");
    let first = "first, since it is cheap, one run of each reading of what the paper leaves open: `fpl-repro plan --profile \
                 what-if --seeds 0`";
    says(&[], first);
    let what_if = ["--profile", "what-if", "--cells", "what-if-stem/*", "--cells", "table2/*", "--seeds", "0,1"];
    says(&what_if, "run one seed of each reading first, 2 cells, time unknown");
    says(&what_if, "fpl-repro all --profile what-if --cells 'what-if-stem/*' --seeds 0");
    says(&["--budget", "6h"], "in 6 h 00 min:");
    says(&["--budget", "6h"], "  unknown  T2-b: 9 further pairs; `plan --calibrate` measures how long they take");
    let wrong = project.raw(&["plan", "--budget", "soon"]);
    assert_eq!(wrong.code, 2);
    wrong.says("not a time, like 6h, 90m or 1h30m");
}

/// Three planned pairs, of which two are enough to see that the third decides it or not.
#[test]
fn pairs_are_run_until_all_is_decided() {
    let project = Project::finished();
    let family = ["--set", "paper.family.planned_pairs=2", "--set", "paper.family.looks=[2]"];
    let run = |args: &[&str]| project.ok(&[&["all", "--until-decided"], &family[..], args].concat());
    // Nothing can be begun in so short a time.
    let nothing = run(&["--budget", "1ms"]);
    assert!(nothing.ran().iter().all(|stage| !stage.starts_with("train")), "{nothing:#?}");
    nothing.says("next: nothing that fits; 0.0 s of the budget are left");
    let output = run(&[]);
    output.says("T2-b       1 pair  open: may be decided after 2 pairs, about");
    output.says("(reduced: about these runs, not the paper)");
    output.says("next: T2-b, seed 1, about");
    let trained: Vec<String> = output.ran().into_iter().filter(|stage| stage.starts_with("train")).collect();
    assert_eq!(trained, ["train table2/resnet18/random/ce/seed1", "train table2/resnet18/random/fpl/seed1"]);
    output.says("T2-b      2 pairs  ");
    output.says("next: nothing is left to run");
    assert!(project.report().contains("seeds 0, 1"), "{}", project.report());
    assert!(run(&[]).ran().is_empty());
    // Two runs of both rows: a bundle computes the split of their spreads again, from the predictions.
    let bundled = project.ok(&[&["bundle", "-o", "decided.tar.gz"], &family[..], &["--seeds", "0,1"]].concat());
    bundled.says("rendered again and are equal byte for byte");
    let claims = std::fs::read_to_string(project.root.join("reports/test/claims.json")).unwrap();
    let claims: serde_json::Value = serde_json::from_str(&claims).unwrap();
    let entry =
        claims["ledger"]["entries"].as_array().unwrap().iter().find(|entry| entry["claim"]["id"] == "T2-b").unwrap();
    let spreads = entry["noise"]["spreads"].as_array().unwrap();
    assert!(spreads.len() == 2 && spreads.iter().all(|spread| spread["runs"] == 2), "{spreads:?}");
    let planned = project.ok(&[&["plan", "--budget", "1h"], &family[..]].concat());
    planned.says("in 1 h 00 min: nothing is open that this configuration has cells of");
}
