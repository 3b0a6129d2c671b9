//! The further forms of the report, from inputs that no run has made: every measured number here is test data.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failure here is a failed test; what is skipped is said"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use fpl_repro::report::{
    self, FOLDERS, TOP,
    derived::Derived,
    figures, forms,
    input::{CellState, Origin, ReportInput},
    ledger::{Verdict, ledger},
};

use crate::matrix::{input, not_run, realistic};
use crate::support::{Project, schema_errors, skip};

/// Every file of a report but the figures, by its name; with `FPL_REPORT_OUT=folder` they are written there, to be looked
/// at.
fn rendered(input: &ReportInput) -> BTreeMap<String, String> {
    let files = forms::files(&Derived::new(input), &[]).unwrap();
    if let Some(folder) = std::env::var_os("FPL_REPORT_OUT") {
        let folder = Path::new(&folder).join(std::thread::current().name().unwrap().replace("::", "-"));
        for (name, bytes) in &files {
            fpl_repro::fs::write_atomic(&folder.join(name), bytes).unwrap();
        }
    }
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

fn done() -> ReportInput {
    input(5, 20, |_, _| CellState::Done)
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

/// Rows of a CSV file by their headers.
fn csv(files: &BTreeMap<String, String>, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(files[name].as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

/// The macros of `numbers.tex`, marked and raw, as the report's default name makes them; a name that is not of letters, or
/// is there twice, fails.
fn macros(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut add = |name: String, value: &str| {
        assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()), "{name}");
        assert_eq!(all.insert(name.clone(), value.to_owned()), None, "\\{name} is defined twice");
    };
    for line in files["numbers.tex"].lines().filter(|line| line.starts_with(r"\fpl")) {
        let (kind, rest) = line.split_once('{').unwrap();
        let (name, rest) = rest.strip_suffix('}').unwrap().split_once("}{").unwrap();
        if kind == r"\fplNumber" {
            let (marked, raw) = rest.rsplit_once("}{").unwrap();
            add(format!("fpl{name}"), marked);
            add(format!("fpl{name}Raw"), raw);
        } else {
            assert_eq!(kind, r"\fplWords");
            add(format!("fpl{name}"), rest);
        }
    }
    all
}

/// Claims that the matrix has no cells for: class imbalance, the control.
fn no_cells(name: &str) -> bool {
    ["fplClaimSOne", "fplClaimSTwoTwo", "fplClaimControl"].iter().any(|claim| name.starts_with(claim))
}

const HOSTILE: &str = "\\input{/etc/passwd} 100% $x_1^2$ #1 & ~{ |a| <b> [c] \"d\" `e` -- *f* \n\t\u{7}\u{fffe}→ \
    ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ −±·≤≥≈√Σαλμµσ†‡–—‘’“”…\u{a0} 漢 😀";

fn hostile() -> ReportInput {
    let mut input = input(2, 3, |row, _| match row {
        0 => CellState::Failed { reason: HOSTILE.into() },
        _ => CellState::Done,
    });
    input.profile = HOSTILE.into();
    input.paper.title = HOSTILE.into();
    input.dataset.name = HOSTILE.into();
    input.dataset.genuine = false;
    input.dataset.classes[0] = format!("[{HOSTILE}");
    input.dataset.classes[1] = format!("*{HOSTILE}");
    for table in &mut input.tables {
        table.caption = HOSTILE.into();
        table.rows[0].network = HOSTILE.into();
        table.rows[0].loss_title = HOSTILE.into();
    }
    for claim in &mut input.paper.claims {
        claim.text = HOSTILE.into();
    }
    for cell in &mut input.cells {
        cell.deviations = vec![HOSTILE.into()];
        cell.command = HOSTILE.into();
        cell.environment.iter_mut().for_each(|environment| environment.device = HOSTILE.into());
        cell.origin = Some(Origin { bundle: "ab".repeat(32), file: HOSTILE.into() });
    }
    input
}

#[test]
fn every_file_has_a_place_that_publishing_knows() {
    let input = done();
    let files = report::files(&Derived::new(&input), &figures(&input).unwrap()).unwrap();
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), files.len(), "a file is there twice");
    for name in &names {
        let known = match name.split_once('/') {
            Some((folder, file)) => FOLDERS.contains(&folder) && !file.contains('/'),
            None => TOP.contains(name),
        };
        assert!(known, "{name}");
    }
    assert!(TOP.iter().all(|name| names.contains(name)));
    let again: Vec<_> = report::files(&Derived::new(&input), &figures(&input).unwrap()).unwrap();
    assert!(files == again, "the same input gives the same bytes");
}

#[test]
fn numbers_are_a_macro_each_and_missing_ones_cannot_be_overlooked() {
    let all = macros(&rendered(&done()));
    // Seeds 0 to 4 have 99, 98, 97, 96 and 95 %: numpy gives mean 97 and std(ddof=1) 1.5811.
    assert_eq!(all["fplTableThreeResnetFiftyRandomFplTopOne"], "97.00");
    assert_eq!(all["fplTableThreeResnetFiftyRandomFplTopOneSd"], "1.58");
    assert_eq!(all["fplTableThreeResnetFiftyRandomFplTopOneN"], "5");
    // All runs have 99.5 %, which says nothing of further ones.
    assert_eq!(all["fplTableThreeResnetFiftyRandomFplTopFive"], "99.50");
    assert_eq!(all["fplTableThreeResnetFiftyRandomFplTopFiveSd"], r"\textbf{??}");
    assert_eq!(all["fplTableTwoEfficientnetvTwoSRandomCeMissedAirplane"], "30.0");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplEqNine"], "99.40");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplPFalseMedian"], r"1.23\ensuremath{\times 10^{-5}}");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplTrainSeconds"], "4{,}321");
    // Table 2, ResNet-18: 3531 − 3536.
    assert_eq!(all["fplClaimTTwoBPaper"], r"\textit{\ensuremath{-}5}");
    assert_eq!(all["fplClaimTTwoB"], "0.0");
    // Raw forms are digits, for \num of siunitx.
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplPFalseMedianRaw"], "1.23e-5");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplTrainSecondsRaw"], "4321");
    assert_eq!(all["fplClaimTTwoBPaperRaw"], "-5");
    // Table 3 and Table 2 of the paper: ResNet-50 from scratch, and ResNet-18's total.
    assert_eq!(all["fplTableThreeResnetFiftyRandomFplTopOnePaper"], r"\textit{95.25}");
    assert_eq!(all["fplTableThreeResnetFiftyRandomFplTopOnePaperRaw"], "95.25");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplTotalPaper"], r"\textit{3{,}531}");
    // The paper has no number for F3 and S3.5, and none for the other reading of Table 2's classes. Of all claims only F3, about the curves, has differences that differ from
    // seed to seed, and so an interval.
    let interval = |name: &str| ["Low", "High", "Sd"].iter().any(|end| name.trim_end_matches("Raw").ends_with(end));
    let missing = all.iter().filter(|(name, value)| value.contains("??") && !no_cells(name) && !interval(name));
    let missing = missing.map(|(name, _)| &**name).filter(|name| !name.ends_with("Raw") && !name.contains("Missed"));
    assert!(!all["fplClaimFThreeLow"].contains("??") && all["fplClaimTThreeALow"].contains("??"));
    assert_eq!(missing.collect::<Vec<_>>(), ["fplClaimFThreePaper", "fplClaimSThreeFivePaper"]);

    let none = macros(&rendered(&input(2, 3, |_, _| not_run())));
    assert_eq!(none.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>(), "the same names, whatever ran");
    for (name, value) in none.iter().filter(|(name, _)| !name.trim_end_matches("Raw").ends_with("Paper")) {
        let expected = match () {
            () if name.ends_with("Verdict") => r"\textbf{not run}",
            () if name.ends_with("Protocol") => "unknown",
            () if name.trim_end_matches("Raw").ends_with('N') => "0",
            () if name.ends_with("Raw") => "??",
            () => r"\textbf{??}",
        };
        assert_eq!(value, expected, "\\{name}");
    }
    let one = macros(&rendered(&input(1, 3, |_, _| CellState::Done)));
    assert_eq!(one["fplTableThreeResnetFiftyRandomFplTopOne"], "99.00");
    assert_eq!(one["fplTableThreeResnetFiftyRandomFplTopOneSd"], r"\textbf{??}");
}

#[test]
fn what_did_not_run_has_no_number() {
    let files = rendered(&input(2, 3, |_, _| not_run()));
    for row in csv(&files, "data/cells.csv") {
        assert_eq!((&*row["state"], &*row["evidence"]), ("not run", "not run"));
        for (name, value) in &row {
            let measured =
                ["_pct", "_images", "_mean", "_median", "_points", "_seconds"].iter().any(|end| name.ends_with(end));
            assert!(!measured || value.is_empty(), "{name} is {value}");
        }
    }
    assert!(csv(&files, "data/missing.csv").iter().all(|row| row["reason"] == "no weights for it"));
    assert_eq!(csv(&files, "data/epochs.csv"), []);
    for name in ["confusion", "classes", "runs", "deviations", "pairs"] {
        assert_eq!(csv(&files, &format!("data/{name}.csv")), [], "{name}");
    }
    for row in csv(&files, "data/claims.csv") {
        assert_eq!((&*row["verdict"], &*row["pairs"], &*row["mean"]), ("not run", "0", ""));
    }
    for row in csv(&files, "data/rows.csv") {
        assert_eq!((&*row["runs"], &*row["mean"], &*row["mean_interval95_high"]), ("0", "", ""));
    }
    assert!(files["summary.md"].contains("**0 done, 0 failed, 16 not run**"));
    assert!(files["summary.md"].contains("no weights for it") && !files["summary.md"].contains("**0.0**"));
    let row = r"Top-1 (\%) & \textit{95.25} & not run & \textit{94.93} & not run";
    assert!(files["tables/table3.tex"].contains(row));
}

#[test]
fn reduced_and_imported_numbers_say_so_everywhere() {
    let mut input = done();
    for cell in &mut input.cells {
        cell.deviations = vec!["epochs: 20 → 2".into()];
        cell.origin = Some(Origin { bundle: "ab".repeat(32), file: "other.tar.gz".into() });
        cell.scores.as_mut().unwrap().images = 256;
    }
    let files = rendered(&input);
    for name in ["summary.md", "tables/notes.tex"] {
        assert!(files[name].contains("256 test images"), "{name}: counts of fewer images than the paper's");
    }
    for (name, value) in macros(&files).into_iter().filter(|(name, _)| !no_cells(name)) {
        let number = !["N", "Paper", "Protocol", "Verdict", "Raw"].iter().any(|end| name.ends_with(end));
        // Equal runs have no spread and no interval, and reduced runs are not in the family.
        let none = ["Low", "High", "P", "Sd"].iter().any(|end| name.ends_with(end)) && value == r"\textbf{??}";
        assert_eq!(number && !none, value.ends_with(r"\fplReducedMark{}\fplImportedMark{}"), "\\{name}: {value}");
    }
    let derived = Derived::new(&input);
    for name in ["table2", "table2-missed", "table3"] {
        let reading = derived.tables.iter().flat_map(|table| &table.readings).find(|reading| reading.anchor == name);
        let values = reading.unwrap().rows.iter().flat_map(|row| &row.values);
        let measured = values.filter(|value| value.ours.is_some()).count();
        for form in ["", "-column"] {
            let table = &files[&format!("tables/{name}{form}.tex")];
            // The runs of Table 3's top-5 are equal: they have no ±, but their mark.
            let with_spread = table.matches(r"$\pm$").count();
            assert_eq!(with_spread, if name == "table3" { measured / 2 } else { measured }, "{name}{form}");
            assert_eq!(table.matches(r"$^{\dagger\ddagger}$").count(), measured, "{name}{form}");
        }
    }
    assert_eq!(files["tables/notes.tex"].matches(r"epochs: 20 \ensuremath{\rightarrow} 2").count(), 1, "said once");
    let claims = ledger(&input).entries.iter().filter(|entry| entry.evidence.mean.is_some()).count();
    assert_eq!(files["tables/claims.tex"].matches(r"$^{\dagger\ddagger}$").count(), claims);
    assert!(files["tables/claims.tex"].contains(r"mean p\ensuremath{_{\mathrm{F}}}"), "a subscript is one");
    assert_eq!(files["tables/claims-column.tex"].matches(r"$^{\dagger\ddagger}$").count(), claims);
    let bold = files["summary.md"].lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('|'));
    let numbers: Vec<&str> =
        bold.filter(|cell| cell.contains("**") && cell.contains(|c: char| c.is_ascii_digit())).collect();
    assert!(numbers.len() > 8 && numbers.iter().all(|cell| cell.contains("† ‡")), "{numbers:?}");
    assert!(files["summary.md"].contains("**40 of the 40 with results are reduced**"));
    assert_eq!(files["summary.md"].matches("epochs: 20 → 2").count(), 1);
    let evidence: BTreeSet<_> = csv(&files, "data/cells.csv").into_iter().map(|row| row["evidence"].clone()).collect();
    assert_eq!(evidence, BTreeSet::from(["reduced".to_owned()]));
    assert!(csv(&files, "data/claims.csv").iter().all(|row| row["pairs"] == "0" || row["deviations"] == "1"));
    assert!(csv(&files, "data/deviations.csv").iter().all(|row| row["deviation"] == "epochs: 20 → 2"));
    assert!(csv(&files, "data/imports.csv").iter().all(|row| row["bundle"] == "other.tar.gz"));
    assert_eq!(csv(&files, "data/imports.csv").len(), input.cells.len());
    let rows = csv(&files, "data/rows.csv");
    assert!(rows.iter().all(|row| row["reduced_runs"] == row["runs"] && row["imported_runs"] == row["runs"]));

    for cell in &mut input.cells {
        cell.deviations.clear();
    }
    let files = rendered(&input);
    assert!(csv(&files, "data/cells.csv").iter().all(|row| row["evidence"] == "imported"));
    assert!(files["tables/table3.tex"].contains(r"$^\ddagger$"));
}

#[test]
fn csv_files_give_back_the_numbers_of_the_input() {
    let mut input = done();
    input.dataset.classes[3] = "cat, \"the\n=1+1".into();
    input.cells[1].scores.as_mut().unwrap().p_false_mean = 0.1 + 0.2;
    let files = rendered(&input);
    let number = |text: &String| text.parse::<f64>().unwrap().to_bits();
    let rows = csv(&files, "data/cells.csv");
    assert_eq!(rows.len(), input.cells.len());
    for (cell, row) in input.cells.iter().zip(&rows) {
        let scores = cell.scores.as_ref().unwrap();
        assert_eq!(cell.id, row["id"]);
        assert_eq!(
            cell.id,
            [&*row["table"], &*row["network"], &*row["initialization"], &*row["loss"], &format!("seed{}", row["seed"])]
                .join("/")
        );
        assert_eq!(number(&row["p_false_mean"]), scores.p_false_mean.to_bits());
        assert_eq!(number(&row["p_false_median"]), scores.p_false_median.to_bits());
        assert_eq!(number(&row["top1_pct"]), scores.top1_pct.to_bits());
    }
    let runs = csv(&files, "data/runs.csv");
    assert_eq!(runs.len(), input.cells.len());
    assert!(runs.iter().all(|row| (&*row["device"], &*row["threads"]) == ("NVIDIA test GPU", "8")));
    let classes = csv(&files, "data/classes.csv");
    assert_eq!(classes.len(), 10 * input.cells.len());
    for (cell, rows) in input.cells.iter().zip(classes.chunks(10)) {
        assert_eq!((&rows[3]["id"], &*rows[3]["class"]), (&cell.id, "cat, \"the\n=1+1"));
        let scores = cell.scores.as_ref().unwrap();
        assert_eq!(rows[3]["false_positives_images"], scores.false_positives[3].to_string());
    }
    let epochs = csv(&files, "data/epochs.csv");
    let of_input = input.cells.iter().flat_map(|cell| &cell.metrics);
    assert_eq!(epochs.len(), 40 * 20);
    for (epoch, row) in of_input.zip(&epochs) {
        assert_eq!(number(&row["train_loss"]), epoch.train_loss.to_bits());
        assert_eq!(number(&row["top1_pct"]), epoch.test_top1_pct.to_bits());
    }
    // 10 · (seed + 1) images of every class are taken for the next.
    let confusion = csv(&files, "data/confusion.csv");
    assert_eq!(confusion.len(), 40 * 100);
    let of = |seed: usize, truth: &str, predicted: &str| {
        let id = format!("table2/resnet18/random/ce/seed{seed}");
        confusion.iter().find(|r| r["id"] == id && r["true"] == truth && r["predicted"] == predicted).unwrap()["images"]
            .clone()
    };
    assert_eq!((&*of(2, "airplane", "automobile"), &*of(2, "ship", "ship")), ("30", "970"));

    let ledger = ledger(&input);
    let (claims, pairs) = (csv(&files, "data/claims.csv"), csv(&files, "data/pairs.csv"));
    assert_eq!(claims.len(), ledger.entries.len());
    for (entry, row) in ledger.entries.iter().zip(&claims) {
        assert_eq!((&row["claim"], &*row["verdict"]), (&entry.claim.id, entry.verdict.title()));
        let own = pairs.iter().filter(|pair| pair["claim"] == entry.claim.id && pair["reading"] == "as configured");
        let found: Vec<(u64, f64)> =
            own.map(|pair| (pair["seed"].parse().unwrap(), pair["difference"].parse().unwrap())).collect();
        let expected: Vec<_> =
            entry.evidence.seeds.iter().copied().zip(entry.evidence.differences.iter().copied()).collect();
        assert_eq!(found, expected, "{}", entry.claim.id);
    }
    // Table 3.
    let top1 =
        |row: &&BTreeMap<String, String>| row["row"] == "table3/resnet50/random/fpl" && row["measure"] == "top1_pct";
    let value = |file: &str, is: fn(&&BTreeMap<String, String>) -> bool| {
        csv(&files, file).iter().filter(top1).find(is).unwrap()["value"].clone()
    };
    let (table, text) =
        (value("data/paper.csv", |_| true), value("data/statements.csv", |row| row["minus"] == "nothing"));
    assert_eq!((&*table, &*text), ("95.25", "95.25"));
    let statements = csv(&files, "data/statements.csv");
    let contradicted = statements.iter().filter(|row| row["agrees_with_tables"] == "false").map(|row| &*row["value"]);
    // The two numbers of the text that Table 3 does not have.
    assert_eq!(contradicted.collect::<Vec<_>>(), ["0.68", "99.86"]);
}

/// Seeds 0 to 4 have 99, 98, 97, 96 and 95 %. SciPy 1.17, `scipy.stats.t.interval(0.95, 4, 97, scipy.stats.sem(values))`,
/// gives 95.0367568385 and 98.9632431615; NumPy's std(ddof=1) 1.5811388301.
#[test]
fn rows_have_means_over_seeds_and_the_papers_numbers() {
    let files = rendered(&done());
    let rows = csv(&files, "data/rows.csv");
    let top1 =
        |row: &&BTreeMap<String, String>| row["row"] == "table3/resnet50/random/fpl" && row["measure"] == "top1_pct";
    let row = rows.iter().find(top1).unwrap();
    assert_eq!((&*row["class"], &*row["runs"], &*row["paper"], &*row["loss"]), ("all", "5", "95.25", "fpl"));
    let close = |column: &str, expected: f64| {
        let found: f64 = row[column].parse().unwrap();
        assert!((found - expected).abs() < 1e-9, "{column}: {found} is not {expected}");
    };
    close("mean", 97.0);
    close("sd", 1.581_138_830_1);
    close("mean_interval95_low", 95.036_756_838_5);
    close("mean_interval95_high", 98.963_243_161_5);
    // Table 2 prints a count per class: ours are 10·(seed + 1).
    let of_class = |row: &&BTreeMap<String, String>| {
        row["row"] == "table2/resnet18/random/ce" && row["class"] == "airplane" && row["runs"] == "5"
    };
    assert_eq!(rows.iter().find(of_class).unwrap()["mean"], "30");
}

/// What a data frame makes of every column without being told: numbers, truth values, or words; a column of words in which
/// nothing stands would be read as numbers.
#[test]
fn csv_columns_are_of_one_kind() {
    for input in [done(), input(2, 3, |row, _| if row % 3 == 0 { CellState::Done } else { not_run() }), hostile()] {
        let files = rendered(&input);
        for name in files.keys().filter(|name| has_extension(name, "csv")) {
            let rows = csv(&files, name);
            for column in rows.first().map(|row| row.keys().cloned().collect::<Vec<_>>()).unwrap_or_default() {
                let values: Vec<&str> = rows.iter().map(|row| &*row[&column]).collect();
                let numbers = values.iter().all(|value| value.is_empty() || value.parse::<f64>().is_ok());
                let truths = values.iter().all(|value| matches!(*value, "true" | "false"));
                let words = values.iter().all(|value| !value.is_empty() && value.parse::<f64>().is_err());
                assert!(numbers || truths || words, "{name}: {column} mixes kinds: {values:?}");
                assert!(!values.iter().any(|value| value.contains(';') && numbers), "{name}: {column} holds lists");
            }
        }
    }
}

#[test]
fn junit_counts_what_the_ledger_counts() {
    let mut input = input(10, 3, |_, _| CellState::Done);
    // T3-b: FPL's top-5 is higher, 10 seeds in a row; T3-a: its top-1 is lower.
    for cell in input.cells.iter_mut().filter(|cell| cell.id.starts_with("table3/resnet50/random/fpl")) {
        let scores = cell.scores.as_mut().unwrap();
        scores.top5_pct += 0.2 + cell.seed as f64 / 100.0;
        scores.top1_pct -= 2.0;
    }
    // What the paper prints is near our means, so that the experiment is the paper's.
    let rows = input.paper.tables.get_mut(&"table3/resnet50/random".parse().unwrap()).unwrap();
    for (loss, [top1, top5]) in [("fpl", [97.45, 99.74]), ("ce", [99.45, 99.5])] {
        let row = rows.get_mut(loss).unwrap();
        (row.top1_pct, row.top5_pct) = (Some(top1), Some(top5));
    }
    let ledger = ledger(&input);
    assert!(ledger.count(Verdict::Contradicted) > 0 && ledger.count(Verdict::Reproduced) > 0);
    let files = rendered(&input);
    let xml = &files["claims.xml"];
    assert!(!xml.contains("uuid="), "it differs from run to run");
    let document = roxmltree::Document::parse(xml).unwrap();
    let suites: Vec<_> = document.root_element().children().filter(|node| node.has_tag_name("testsuite")).collect();
    // Every training took 4,321 s and ended at 10:00; there are 8 rows of 10.
    assert_eq!(suites[0].attribute("timestamp"), Some("2026-11-24T08:47:59.000+00:00"));
    assert_eq!(suites[0].attribute("time"), Some("345680.000"));
    let (reproduced, contradicted) = (ledger.count(Verdict::Reproduced), ledger.count(Verdict::Contradicted));
    let all = ledger.entries.len();
    assert_eq!(
        suites[0].attribute("name").unwrap(),
        format!(
            "claims: {reproduced} reproduced, {contradicted} contradicted, {} undecided",
            all - reproduced - contradicted
        )
    );
    assert!(suites[1].attribute("name").unwrap().starts_with("readings: "));
    let count = |suite: &roxmltree::Node, tag: &str| suite.descendants().filter(|node| node.has_tag_name(tag)).count();
    let decided = contradicted + reproduced;
    assert_eq!(count(&suites[0], "testcase"), ledger.entries.len());
    assert_eq!(count(&suites[0], "failure"), contradicted);
    assert_eq!(suites[0].attribute("failures"), Some(&*contradicted.to_string()));
    assert_eq!(count(&suites[0], "skipped"), ledger.entries.len() - decided);
    for case in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let names: Vec<_> = case
            .descendants()
            .filter(|node| node.has_tag_name("property"))
            .map(|node| node.attribute("name"))
            .collect();
        assert_eq!(
            names.len(),
            names.iter().collect::<BTreeSet<_>>().len(),
            "a property's name is there once: {names:?}"
        );
    }
    for (case, entry) in suites[0].children().filter(|node| node.has_tag_name("testcase")).zip(&ledger.entries) {
        assert!(case.attribute("name").unwrap().starts_with(&entry.claim.id));
        let message = case.children().find_map(|node| node.attribute("message"));
        assert_eq!(message, (entry.verdict != Verdict::Reproduced).then_some(&*entry.why));
    }
    let readings: usize = ledger.entries.iter().map(|entry| entry.readings.len()).sum();
    assert_eq!(count(&suites[1], "testcase"), readings);
    roxmltree::Document::parse(&rendered(&hostile())["claims.xml"]).unwrap();
}

#[test]
fn the_summary_fits_in_a_comment_whatever_happened() {
    let brief = &rendered(&done())["summary.md"];
    assert!(brief.starts_with("<!-- fpl-repro:summary -->\n"));
    assert!(brief.contains("**40 done, 0 failed, 0 not run**") && brief.contains("### Table 3"));
    assert!(
        !brief.contains("left out") && !brief.contains("more claims") && !brief.contains("more rows"),
        "there is room for everything"
    );
    // T2-a: the paper has 39 fewer; ours has 5 pairs.
    assert!(brief.lines().any(|line| line.starts_with("| T2-a | FPL makes fewer")
        && line.contains("| *−39* | **0.0** | no interval: all pairs have the same difference | 5 |")));

    let reason = |row: usize, seed: u64| format!("cell {row} with seed {seed}: {}", "<very> | long ".repeat(300));
    let mut input = input(20, 3, |row, seed| match row % 2 {
        0 => CellState::Failed { reason: reason(row, seed) },
        _ => CellState::NotRun { reason: reason(row, seed) },
    });
    for (at, claim) in (0..).zip(&mut input.paper.claims) {
        claim.text = format!("{at} {}", "&|<".repeat(2000));
    }
    let mut claims = Vec::new();
    for copy in 0..40 {
        claims.extend(
            input
                .paper
                .claims
                .iter()
                .cloned()
                .map(|claim| fpl_repro::paper::Claim { id: format!("{}-{copy}", claim.id), ..claim }),
        );
    }
    input.paper.claims = claims;
    for (at, cell) in (0..).zip(&mut input.cells) {
        cell.deviations = (0..20).map(|n| format!("{at} {n} {}", "*_`".repeat(500))).collect();
    }
    let summary = &rendered(&input)["summary.md"];
    assert!(summary.len() <= forms::MOST_BYTES, "{} bytes", summary.len());
    assert!(summary.contains("**0 done, 80 failed, 80 not run**"));
    assert!(summary.contains("more claims are in report.html") && summary.contains("more reasons are in report.html"));
    check_tables(summary);
    check_tables(&rendered(&hostile())["summary.md"]);
}

/// The whole summary, to be read as a reader does: what changes in it is seen in the snapshot's difference. Accept it with
/// `INSTA_UPDATE=always cargo test the_summary_in_full` once it is meant.
#[test]
fn the_summary_in_full() {
    let mut input = realistic(3, 20, 400, |row, seed| match (row, seed) {
        (0, _) => not_run(),
        (3, 2) => CellState::Failed { reason: "loss is not finite in epoch 2".into() },
        _ => CellState::Done,
    });
    let reduced = input.cells.iter_mut().find(|cell| cell.id == "table3/resnet50/imagenet/fpl/seed0").unwrap();
    reduced.deviations = vec!["epochs: 10 → 3".into()];
    insta::assert_snapshot!(rendered(&input)["summary.md"]);
}

/// Every table of a Markdown text has as many columns in each line as in its first.
fn check_tables(markdown: &str) {
    let columns = |line: &str| line.replace("\\\\", "").replace("\\|", "").matches('|').count();
    for block in markdown.split("\n\n").filter(|block| block.starts_with('|')) {
        let widths: BTreeSet<usize> = block.lines().filter(|line| line.starts_with('|')).map(columns).collect();
        assert_eq!(widths.len(), 1, "a cell breaks its table: {block}");
    }
}

#[test]
fn figures_are_pdf_and_png_too() {
    let mut input = done();
    let example = input.example.as_mut().unwrap();
    // Red, so that the image can be told from everything else.
    example.image.pixels = [vec![255; 1024], vec![0; 2048]].concat();
    let figures = figures(&input).unwrap();
    let start = Instant::now();
    let files: BTreeMap<_, _> = forms::files(&Derived::new(&input), &figures).unwrap().into_iter().collect();
    eprintln!("{:?} with {} figures", start.elapsed(), figures.len());
    for figure in &figures {
        let name = figure.file.trim_end_matches(".svg");
        let (pdf, png) = (&files[&format!("figures/{name}.pdf")], &files[&format!("figures/{name}.png")]);
        if let Some(folder) = std::env::var_os("FPL_REPORT_OUT") {
            let folder = Path::new(&folder).join("figures");
            fpl_repro::fs::write_atomic(&folder.join(format!("{name}.pdf")), pdf).unwrap();
            fpl_repro::fs::write_atomic(&folder.join(format!("{name}.png")), png).unwrap();
            fpl_repro::fs::write_atomic(&folder.join(&figure.file), figure.svg.as_bytes()).unwrap();
        }
        assert!(pdf.starts_with(b"%PDF-1.") && !pdf.windows(13).any(|part| part == b"/CreationDate"));
        assert!(pdf.windows(10).any(|part| part == b"DejaVuSans"), "{name}: the embedded font, as text");
        // Width and height of the PNG are twice those of the drawing.
        let attribute = |name: &str| -> u32 {
            let head = figure.svg.split_once(&format!(" {name}=\"")).unwrap().1;
            head.split_once('"').unwrap().0.parse().unwrap()
        };
        let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        assert_eq!([size(16), size(20)], [2 * attribute("width"), 2 * attribute("height")], "{name}");
        // Text is there: a drawing without it has no dark pixel where the axes' labels are.
        let pixels = resvg::tiny_skia::Pixmap::decode_png(png).unwrap();
        let count = |is: fn(u8, u8, u8) -> bool| {
            pixels.pixels().iter().filter(|pixel| is(pixel.red(), pixel.green(), pixel.blue())).count()
        };
        assert!(count(|r, g, b| r < 0x40 && g < 0x40 && b < 0x40) > 500, "{name}: ink");
        if name == "figure1-example" {
            assert!(
                count(|r, g, b| r == 255 && g == 0 && b == 0) > 10_000,
                "the image is in it, with its pixels' colours"
            );
        }
    }
}

#[test]
fn a_job_on_github_gets_the_summary_appended() {
    let project = Project::finished();
    let target = project.root.join("job.md");
    std::fs::write(&target, "before\n").unwrap();
    let run = |target: &Path| project.with(&[("GITHUB_STEP_SUMMARY", target)], &["report"]);
    assert_eq!(run(&target).code, 0);
    let summary = std::fs::read_to_string(project.root.join("reports/test/summary.md")).unwrap();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), format!("before\n{summary}"));

    std::fs::write(&target, " ".repeat(1 << 20)).unwrap();
    let output = run(&target);
    assert_eq!(output.code, 0);
    output.says("note: `");
    output.says("it would exceed 1 MiB");
    assert_eq!(std::fs::metadata(&target).unwrap().len(), 1 << 20);

    let output = run(&project.root);
    assert_eq!(output.code, 0, "a folder cannot be written to");
    output.says("warning: the job has no summary of the report");
}

/// A kind of paper.
struct Paper {
    name: &'static str,
    /// What must be installed.
    file: &'static str,
    head: &'static str,
    columns: u8,
}

/// NeurIPS asks for its own style file, which no distribution has: a text of 5.5 by 9 inches in 10 pt Times, as its
/// instructions for authors say (2024, section 2).
const PAPERS: [Paper; 5] = [
    Paper { name: "article", file: "article.cls", head: r"\documentclass{article}", columns: 1 },
    Paper { name: "twocolumn", file: "article.cls", head: r"\documentclass[twocolumn]{article}", columns: 2 },
    Paper { name: "ieee", file: "IEEEtran.cls", head: r"\documentclass[conference]{IEEEtran}", columns: 2 },
    Paper { name: "acm", file: "acmart.cls", head: r"\documentclass[sigconf,nonacm]{acmart}", columns: 2 },
    Paper {
        name: "neurips",
        file: "geometry.sty",
        head: "\\documentclass{article}\\usepackage{times}\\usepackage[text={5.5in,9in}]{geometry}",
        columns: 1,
    },
];

/// Lays a report out in a folder, with the document that inputs all of it.
fn lay_out_paper(folder: &Path, head: &str, input: &ReportInput) {
    let files = report::files(&Derived::new(input), &figures(input).unwrap()).unwrap();
    let texts: BTreeMap<String, String> = files
        .iter()
        .filter(|(name, _)| has_extension(name, "tex"))
        .map(|(name, bytes)| (name.clone(), String::from_utf8(bytes.clone()).unwrap()))
        .collect();
    for (name, bytes) in files.iter().filter(|(name, _)| !name.starts_with("data/")) {
        fpl_repro::fs::write_atomic(&folder.join(name), bytes).unwrap();
    }
    let write = |name: &str, text: &str| fpl_repro::fs::write_atomic(&folder.join(name), text.as_bytes()).unwrap();
    // The other report's as well, but no figure twice.
    let mut floats = String::new();
    for line in texts["floats.tex"].lines().filter_map(|line| line.strip_prefix(r"\fplFloat{")) {
        let name = line.split("}{").nth(1).unwrap();
        let _ = writeln!(floats, "\\fplFloat{name}\n\\clearpage");
        if name == "TableTwo" {
            let _ = writeln!(floats, "\\labFloat{name}\n\\clearpage");
        }
    }
    write("all-floats.tex", &floats);
    let raw = macros(&texts).into_iter().filter(|(name, value)| name.ends_with("Raw") && value != "??");
    let mut numbers = String::new();
    raw.for_each(|(name, _)| {
        let _ = writeln!(numbers, "\\num{{\\{name}}}");
    });
    write("raw.tex", &numbers);
    write("document.tex", &format!("{head}\n{}", include_str!("../fixtures/latex/report.tex")));
}

/// Sets a document twice, for its references, and returns what TeX said the second time; `None` without a TeX.
fn set_document(folder: &Path, name: &str) -> Option<String> {
    let mut said = String::new();
    for _ in 0..2 {
        let mut tex = Command::new("pdflatex");
        tex.args(["-interaction=nonstopmode", "-halt-on-error", "document.tex"]).current_dir(folder);
        let output = tex.output().ok()?;
        said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{name}: {said}");
    }
    Some(said)
}

fn is_installed(file: &str) -> bool {
    Command::new("kpsewhich").arg(file).output().is_ok_and(|output| output.status.success())
}

/// Tables, numbers and figures of a report fit the papers that they are for: nothing is wider than its column or higher than
/// a page.
#[test]
fn a_report_fits_into_every_kind_of_paper() {
    let input = realistic(5, 20, 10_000, |_, _| CellState::Done);
    for paper in PAPERS {
        if !is_installed(paper.file) || !is_installed("siunitx.sty") {
            skip("there is no pdflatex, IEEEtran, acmart or siunitx; `scripts/tools.sh` brings them");
            return;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("latex").join(paper.name);
        lay_out_paper(&folder, paper.head, &input);
        let said = set_document(&folder, paper.name).unwrap();
        let faults = ["Overfull \\hbox", "Float too large", "undefined", "Token not allowed", "multiply defined"];
        let complaints: Vec<&str> =
            said.lines().filter(|line| faults.iter().any(|fault| line.contains(fault))).collect();
        assert_eq!(complaints, Vec::<&str>::new(), "{} ({} columns)", paper.name, paper.columns);
    }
}

#[test]
fn tex_sets_whatever_a_report_holds() {
    let missing = input(1, 3, |row, _| if row % 3 == 0 { CellState::Done } else { not_run() });
    for (name, input) in [("missing", missing), ("hostile", hostile())] {
        if !is_installed("siunitx.sty") {
            skip("there is no pdflatex or siunitx; `scripts/tools.sh` brings them");
            return;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("latex").join(name);
        lay_out_paper(&folder, PAPERS[0].head, &input);
        set_document(&folder, name).unwrap();
    }
}

/// `FPL_UPDATE_SCHEMAS=1 cargo test schemas` writes them.
#[test]
fn published_schemas_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for (name, bytes) in forms::schemas().unwrap() {
        if std::env::var_os("FPL_UPDATE_SCHEMAS").is_some() {
            fpl_repro::fs::write_atomic(&folder.join(&name), &bytes).unwrap();
        }
        let published = std::fs::read(folder.join(&name)).unwrap();
        assert!(published == bytes, "schemas/{name} is old: run FPL_UPDATE_SCHEMAS=1 cargo test schemas");
    }
}

#[test]
fn json_files_follow_their_schemas() {
    let hostile = hostile();
    let nothing = ReportInput { cells: Vec::new(), tables: Vec::new(), example: None, ..done() };
    for input in [done(), input(2, 3, |_, _| not_run()), hostile, nothing] {
        let files: BTreeMap<_, _> = report::files(&Derived::new(&input), &[]).unwrap().into_iter().collect();
        for name in ["report", "claims"] {
            let parse = |name: String| serde_json::from_slice::<serde_json::Value>(&files[&name]).unwrap();
            let schema = parse(format!("data/{name}.schema.json"));
            let document = parse(format!("{name}.json"));
            if name == "report" {
                assert_eq!(document["$schema"], "data/report.schema.json");
                let claims = document["claims"]["entries"].as_array().unwrap().len();
                assert_eq!(claims, input.paper.claims.len(), "it holds its claims");
                // What is not derived is the content.
                assert_eq!(serde_json::from_value::<ReportInput>(document.clone()).unwrap(), input);
            }
            assert_eq!(schema["$id"], format!("urn:fpl-repro:schema:{name}"));
            assert_eq!(schema_errors(&schema, &document), "", "{name}.json");
            // A validator that accepts everything would say nothing.
            let mut other = document.clone();
            other.as_object_mut().unwrap().values_mut().for_each(|value| *value = serde_json::json!({ "x": 1 }));
            assert_ne!(schema_errors(&schema, &other), "", "{name}.json");
        }
    }
}
