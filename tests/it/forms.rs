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
use crate::support::{Project, skip};

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

/// Rows of a CSV file by their headers.
fn csv(files: &BTreeMap<String, String>, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(files[name].as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

/// The values of the macros of `numbers.tex`; a name that is not of letters, or is there twice, fails.
fn macros(files: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for line in files["numbers.tex"].lines().filter(|line| !line.starts_with('%') && !line.is_empty()) {
        let (name, value) = line.strip_prefix(r"\newcommand{\").and_then(|rest| rest.split_once("}{")).unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphabetic()), "{name}");
        let value = value.strip_suffix('}').unwrap().to_owned();
        assert_eq!(all.insert(name.to_owned(), value), None, "\\{name} is defined twice");
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
    assert_eq!(all["fplTableTwoEfficientnetvTwoSRandomCeMissedAirplane"], "30.0");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplEqNine"], "99.40");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplPFalseMedian"], r"1.23\ensuremath{\times 10^{-5}}");
    assert_eq!(all["fplTableTwoResnetEighteenRandomFplTrainSeconds"], "4{,}321");
    // Table 2, ResNet-18: 3531 − 3536.
    assert_eq!(all["fplClaimTTwoBPaper"], r"\textit{\ensuremath{-}5}");
    assert_eq!(all["fplClaimTTwoB"], "0.0");
    // The paper has no number for F3 and S3.5. Of all claims only F3, about the curves, has differences that differ from
    // seed to seed, and so an interval.
    let interval = |name: &str| name.ends_with("Low") || name.ends_with("High");
    let missing = all.iter().filter(|(name, value)| value.contains("??") && !no_cells(name) && !interval(name));
    let missing = missing.map(|(name, _)| &**name);
    assert!(!all["fplClaimFThreeLow"].contains("??") && all["fplClaimTThreeALow"].contains("??"));
    assert_eq!(missing.collect::<Vec<_>>(), ["fplClaimFThreePaper", "fplClaimSThreeFivePaper"]);

    let none = macros(&rendered(&input(2, 3, |_, _| not_run())));
    assert_eq!(none.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>(), "the same names, whatever ran");
    for (name, value) in none.iter().filter(|(name, _)| !name.ends_with("Mark") && !name.ends_with("Paper")) {
        let expected = match () {
            () if name.ends_with("Verdict") => r"\textbf{not run}",
            () if name.ends_with("Protocol") => "unknown",
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
        assert_eq!((&*row["state"], &*row["evidence"], &*row["reason"]), ("not run", "not run", "no weights for it"));
        for (name, value) in &row {
            let measured =
                ["_pct", "_images", "_mean", "_median", "_points", "_seconds"].iter().any(|end| name.ends_with(end));
            assert!(!measured || value.is_empty(), "{name} is {value}");
        }
    }
    assert_eq!(csv(&files, "data/epochs.csv"), []);
    assert_eq!(csv(&files, "data/confusion.csv"), []);
    for row in csv(&files, "data/claims.csv") {
        assert_eq!((&*row["verdict"], &*row["pairs"], &*row["mean"], &*row["differences"]), ("not run", "0", "", ""));
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
    for name in ["summary.md", "tables/table2.tex"] {
        assert!(files[name].contains("256 test images"), "{name}: counts of fewer images than the paper's");
    }
    for (name, value) in macros(&files).into_iter().filter(|(name, _)| !no_cells(name)) {
        let number = !["N", "Mark", "Paper", "Protocol", "Verdict"].iter().any(|end| name.ends_with(end));
        // An interval without width is none, and reduced runs are not in the family.
        let none = ["Low", "High", "P"].iter().any(|end| name.ends_with(end)) && value == r"\textbf{??}";
        assert_eq!(number && !none, value.ends_with(r"\fplReducedMark{}\fplImportedMark{}"), "\\{name}: {value}");
    }
    for name in ["tables/table2.tex", "tables/table2-missed.tex", "tables/table3.tex"] {
        let measured = files[name].matches(r"$\pm$ ").count() - 1; // The legend has one.
        assert!(measured > 0);
        assert_eq!(files[name].matches(r"$^{\dagger\ddagger}$").count(), measured, "{name}");
        assert!(files[name].contains(r"epochs: 20 \ensuremath{\rightarrow} 2"), "{name}");
    }
    let claims = ledger(&input).entries.iter().filter(|entry| entry.evidence.mean.is_some()).count();
    assert_eq!(files["tables/claims.tex"].matches(r"$^{\dagger\ddagger}$").count(), claims);
    let bold = files["summary.md"].lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('|'));
    let numbers: Vec<&str> =
        bold.filter(|cell| cell.contains("**") && cell.contains(|c: char| c.is_ascii_digit())).collect();
    assert!(numbers.len() > 8 && numbers.iter().all(|cell| cell.contains("† ‡")), "{numbers:?}");
    assert!(files["summary.md"].contains("**40 of the 40 with results are reduced**"));
    assert_eq!(files["summary.md"].matches("epochs: 20 → 2").count(), 1);
    let evidence: BTreeSet<_> = csv(&files, "data/cells.csv").into_iter().map(|row| row["evidence"].clone()).collect();
    assert_eq!(evidence, BTreeSet::from(["reduced".to_owned()]));
    assert!(
        csv(&files, "data/claims.csv").iter().all(|row| row["pairs"] == "0" || row["deviations"] == "epochs: 20 → 2")
    );

    for cell in &mut input.cells {
        cell.deviations.clear();
    }
    let files = rendered(&input);
    assert!(csv(&files, "data/cells.csv").iter().all(|row| row["evidence"] == "imported"));
    assert!(files["tables/table3.tex"].contains(r"$^\ddagger$ With results that were imported"));
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
        assert_eq!(row["false_positives_cat, \"the\n=1+1_images"], scores.false_positives[3].to_string());
        assert_eq!((&*row["device"], &*row["threads"]), ("NVIDIA test GPU", "8"));
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
    for (entry, row) in
        ledger.entries.iter().zip(csv(&files, "data/claims.csv").iter().filter(|row| row["reading"].is_empty()))
    {
        let differences: Vec<f64> =
            row["differences"].split(';').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect();
        assert_eq!(differences, entry.evidence.differences);
        assert_eq!((&row["claim"], &*row["verdict"]), (&entry.claim.id, entry.verdict.title()));
    }
    let paper = csv(&files, "data/paper.csv");
    let top1 = |row: &&BTreeMap<String, String>| {
        row["row"] == "table3/resnet50/random/fpl" && row["measure"] == "top1_pct" && row["minus"].is_empty()
    };
    // Table 3, and the abstract.
    assert_eq!(
        paper.iter().filter(top1).map(|row| (&*row["place"], &*row["value"])).collect::<Vec<_>>(),
        [("Table 3", "95.25"), ("Abstract", "95.25")]
    );
    let contradicted = paper.iter().filter(|row| row["agrees_with_tables"] == "false").map(|row| &*row["value"]);
    // The two numbers of the text that Table 3 does not have.
    assert_eq!(contradicted.collect::<Vec<_>>(), ["0.68", "99.86"]);
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
    for time in ["timestamp=", "time=", "uuid="] {
        assert!(!xml.contains(time), "{time} differs from run to run");
    }
    let document = roxmltree::Document::parse(xml).unwrap();
    let suites: Vec<_> = document.root_element().children().filter(|node| node.has_tag_name("testsuite")).collect();
    assert_eq!(suites.iter().map(|suite| suite.attribute("name").unwrap()).collect::<Vec<_>>(), ["claims", "readings"]);
    let count = |suite: &roxmltree::Node, tag: &str| suite.descendants().filter(|node| node.has_tag_name(tag)).count();
    let contradicted = ledger.count(Verdict::Contradicted);
    let decided = contradicted + ledger.count(Verdict::Reproduced);
    assert_eq!(count(&suites[0], "testcase"), ledger.entries.len());
    assert_eq!(count(&suites[0], "failure"), contradicted);
    assert_eq!(suites[0].attribute("failures"), Some(&*contradicted.to_string()));
    assert_eq!(count(&suites[0], "skipped"), ledger.entries.len() - decided);
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

#[test]
fn tex_sets_every_file() {
    for (name, input) in [
        ("done", done()),
        ("missing", input(1, 3, |row, _| if row % 3 == 0 { CellState::Done } else { not_run() })),
        ("hostile", hostile()),
    ] {
        let files = report::files(&Derived::new(&input), &figures(&input).unwrap()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("latex").join(name);
        let mut inputs = String::new();
        for (name, bytes) in files.iter().filter(|(name, _)| !name.starts_with("data/")) {
            fpl_repro::fs::write_atomic(&folder.join(name), bytes).unwrap();
            if name.starts_with("tables/") {
                let _ = writeln!(inputs, "\\begin{{table}}\\centering\n\\input{{{name}}}\n\\end{{table}}");
            } else if name.starts_with("figures/") && !name.contains(".svg") {
                let _ = writeln!(inputs, "\\noindent\\includegraphics[width=0.6\\linewidth]{{{name}}}\n");
            }
        }
        fpl_repro::fs::write_atomic(&folder.join("files.tex"), inputs.as_bytes()).unwrap();
        let document = include_bytes!("../fixtures/latex/report.tex");
        fpl_repro::fs::write_atomic(&folder.join("document.tex"), document).unwrap();
        let mut tex = Command::new("pdflatex");
        tex.args(["-interaction=nonstopmode", "-halt-on-error", "document.tex"]).current_dir(&folder);
        let Ok(output) = tex.output() else {
            skip("there is no pdflatex; Debian's texlive-latex-recommended has one");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {said}");
        let wide: Vec<&str> = said.lines().filter(|line| line.starts_with("Overfull") && name == "done").collect();
        assert_eq!(wide, Vec::<&str>::new(), "it fits into the columns of an article");
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
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let document = parse(format!("{name}.json"));
            let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new(), "{name}.json");
            // A validator that accepts everything would say nothing.
            let mut other = document.clone();
            other.as_object_mut().unwrap().values_mut().for_each(|value| *value = serde_json::json!({ "x": 1 }));
            assert!(!validator.is_valid(&other), "{name}.json");
        }
    }
}
