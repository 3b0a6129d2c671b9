//! The program as users meet it: what runs, what is cached, what happens when something breaks.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use fpl_repro::artifact::EpochMetrics;
use fpl_repro::fs::files_below;

use crate::support::{CE, FPL, Project, flip, kill, wait_for_end};

const FALSE_CLASSES: &str = "losses.fpl.false_classes=2";
/// Infinite in float32, so the first loss is not finite.
const INFINITE: &str = "losses.fpl.alpha={kind=\"constant\",true_class=1.0,false_class=1e39}";

fn set<const N: usize>(items: [&str; N]) -> BTreeSet<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

fn stages(cell: &str) -> BTreeSet<String> {
    [format!("train {cell}"), format!("evaluate {cell}")].into()
}

fn summaries() -> BTreeSet<String> {
    set(["plot test", "report test"])
}

// --- What runs ---------------------------------------------------------------------------------------------------------

#[test]
fn all_runs_every_stage_and_the_report_names_every_cell() {
    let project = Project::finished();
    let entries = project.status(&[]);
    assert!(entries.iter().all(|entry| entry["state"] == "hit"), "{entries:#?}");
    assert_eq!(entries.len(), 7, "data, two cells trained and evaluated, figures, report");
    for file in ["report.md", "report.html", "report.json"] {
        let report = fs::read_to_string(project.root.join("reports/test").join(file)).unwrap();
        assert!(report.contains(FPL) && report.contains(CE), "{file}");
    }
}

#[test]
fn a_second_run_does_nothing_and_changes_no_file() {
    let project = Project::finished();
    project.ok(&["all"]); // The copy has other inodes, which are learnt here.
    let before = project.snapshot();
    let output = project.ok(&["all", "--verbose"]);
    assert!(output.ran().is_empty(), "{output:#?}");
    output.says("fetch 1 cached · train 2 cached · evaluate 2 cached · plot 1 cached · report 1 cached");
    assert_eq!(project.snapshot(), before);
}

#[test]
fn the_time_of_a_plan_is_measured_where_it_is_not_known() {
    let project = Project::new();
    project.ok(&["plan"]).says("training time unknown: `fpl-repro plan --calibrate` measures it");
    let output = project.ok(&["plan", "--calibrate"]);
    // Both cells are of one kind: the loss takes no time.
    assert_eq!(output.stderr.matches("measuring ResNet-18").count(), 1, "{output:#?}");
    output.says("with 2 at a time, 1 thread each");
    assert!(!output.stdout.contains("unknown"), "{output:#?}");
    let again = project.ok(&["plan", "--calibrate"]);
    assert!(!again.stderr.contains("measuring"), "{again:#?}");
    // It was measured for two at a time.
    project.ok(&["plan", "--calibrate", "--jobs", "1"]).says("measuring ResNet-18");
    assert!(!project.cache().join("train").exists() && !project.cache().join("work").exists());
}

#[test]
fn neither_a_copy_elsewhere_nor_new_times_cause_a_run() {
    let project = Project::finished();
    assert!(project.ok(&["all"]).ran().is_empty());
    for file in files_below(&project.root).unwrap() {
        let file = fs::File::options().append(true).open(project.root.join(file)).unwrap();
        file.set_modified(std::time::SystemTime::now()).unwrap();
    }
    assert!(project.ok(&["all"]).ran().is_empty());
}

#[test]
fn a_changed_loss_runs_its_own_cells_and_going_back_runs_nothing() {
    let project = Project::finished();
    let planned: BTreeSet<String> = project
        .status(&["--set", FALSE_CLASSES])
        .iter()
        .filter(|entry| entry["state"] != "hit")
        .map(|entry| format!("{} {}", entry["stage"].as_str().unwrap(), entry["subject"].as_str().unwrap()))
        .collect();
    let output = project.ok(&["all", "--set", FALSE_CLASSES]);
    assert_eq!(output.ran(), &stages(FPL) | &summaries());
    assert_eq!(output.ran(), planned, "what is planned is what runs");
    output.says("loss.false_classes: 1 → 2");
    let back = project.ok(&["all"]);
    assert!(back.ran().is_empty(), "{back:#?}");

    // Figures and reports that are not published can go; a training only for who asks for it.
    let before = project.snapshot();
    let lists = |args: &[&str], count: usize| {
        let listed = project.ok(args);
        assert_eq!(listed.stdout.lines().filter(|line| line.starts_with("unused")).count(), count, "{listed:#?}");
        assert_eq!(project.snapshot(), before);
        listed
    };
    lists(&["gc", "--dry-run"], 2).says("2 results of");
    lists(&["gc", "--dry-run", "--trainings"], 4).says(&format!("train of {FPL}"));
    let entries = |stage| fs::read_dir(project.cache().join(stage)).unwrap().count();
    let counts = || ["fetch", "train", "evaluate", "plot", "report"].map(entries);
    project.ok(&["gc"]).says(", 2 entries");
    assert_eq!(counts(), [1, 3, 3, 1, 1]);
    project.ok(&["gc", "--trainings"]).says(", 2 entries");
    assert_eq!(counts(), [1, 2, 2, 1, 1]);
    assert!(project.ok(&["all"]).ran().is_empty());
    project.ok(&["verify"]);
}

#[test]
fn figures_and_the_papers_numbers_rerun_no_training() {
    let project = Project::finished();
    let output = project.ok(&["all", "--set", "figures.samples_per_class=3"]);
    assert_eq!(output.ran(), summaries());
    let number = "paper.tables.table2/resnet18/random.ce={epochs=20,total_false_positives=31415,false_positives=[31415,0,0,0,0,0,0,0,0,0]}";
    let output = project.ok(&["all", "--set", number, "--set", "paper.statements=[]"]);
    assert!(output.ran().contains("report test") && output.ran().is_subset(&summaries()), "{output:#?}");
    assert!(project.report().contains("31415") || project.report().contains("31,415"));
}

#[test]
fn the_same_cell_in_another_cache_has_bitwise_the_same_weights() {
    let (project, finished) = (Project::new(), Project::finished());
    let output = project.ok(&["train", "--cells", CE]);
    assert_eq!(output.ran(), set(["fetch data generated", &format!("train {CE}")]));
    assert_eq!(project.weights(CE), finished.weights(CE));
}

#[test]
fn cells_of_one_seed_start_from_the_same_weights_and_see_the_same_minibatches() {
    // With a rate of 0 in float32 weights stay as they were drawn, and the batch norms' averages tell the minibatches.
    let project = Project::new();
    let still = "recipes.table2.optimizer={kind=\"sgd\",lr=1e-60,momentum=0.0,weight_decay=0.0,nesterov=false}";
    let sets = ["--set", still, "--set", "recipes.table2.epochs=1"];
    project.ok(&[&["train", "--seeds", "0,1"], &sets[..]].concat());
    let weights = |cell: &str| {
        let output = project.ok(&[&["status", "--json", "--seeds", "0,1"], &sets[..]].concat());
        let entries: Vec<serde_json::Value> = serde_json::from_str(&output.stdout).unwrap();
        let entry = entries.iter().find(|entry| entry["stage"] == "train" && entry["subject"] == cell).unwrap();
        let folder = project.cache().join("train").join(entry["fingerprint"].as_str().unwrap());
        fs::read(folder.join("weights.safetensors")).unwrap()
    };
    assert!(weights(FPL) == weights(CE));
    assert!(weights(FPL) != weights(&FPL.replace("seed0", "seed1")));
}

#[test]
fn other_seeds_that_are_there_stay_in_the_report_and_are_not_run() {
    let project = Project::finished();
    let later = ["all", "--seeds", "3", "--cells", "table2/resnet18/random/fpl"];
    let output = project.ok(&later);
    let fpl = |seed: u64| FPL.replace("seed0", &format!("seed{seed}"));
    assert_eq!(output.ran(), &stages(&fpl(3)) | &summaries());
    let shown = |project: &Project| {
        let text = fs::read_to_string(project.root.join("reports/test/report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let cells = report["cells"].as_array().unwrap().iter();
        cells
            .map(|cell| format!("{} {}", cell["id"].as_str().unwrap(), cell["state"]["state"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let all = [
        format!("{FPL} done"),
        format!("{CE} done"),
        format!("{} done", fpl(3)),
        format!("{} not-run", CE.replace("seed0", "seed3")),
    ];
    assert_eq!(shown(&project), all);
    // The same report by whichever seeds: of the further ones nothing is run.
    assert!(project.ok(&["all", "--keep-going"]).ran().is_empty());
    assert!(project.ok(&later).ran().is_empty());
    project.ok(&["plan"]).says("0 to run");
    // A bundle of it has all of them, and a seed of another configuration is not one of this.
    let bundle = project.root.join("bundle.tar.gz");
    project.ok(&["bundle", "-o", bundle.to_str().unwrap()]);
    project.ok(&["verify", bundle.to_str().unwrap()]).says("3 of 4 cells have results");
    project.ok(&["all", "--set", FALSE_CLASSES]);
    assert_eq!(shown(&project)[1..], [format!("{CE} done")]);
}

#[test]
fn a_plan_of_a_new_project_is_what_runs_and_writes_nothing() {
    let project = Project::new();
    let plan = project.ok(&["plan"]);
    plan.says("7 stages: 0 cached, 7 to run");
    assert!(!project.cache().exists());
    let first = plan.stdout.lines().next().unwrap();
    assert!(first.starts_with("fetch    data generated"), "{first}");
}

// --- Interruptions -----------------------------------------------------------------------------------------------------

#[test]
fn after_sigkill_no_worker_survives_and_the_next_run_ends_with_the_same_weights() {
    let (project, finished) = (Project::new(), Project::finished());
    let mut running = project.start(&["all", "--cells", CE]);
    running.until("epoch 1/2");
    let workers = running.workers();
    assert_eq!(workers.len(), 1);
    running.signal("KILL");
    let (status, _) = running.end();
    assert_eq!(status.signal(), Some(9));
    workers.into_iter().for_each(wait_for_end);
    let output = project.ok(&["all", "--cells", CE]);
    output.says("interrupted, goes on from its checkpoint");
    output.says("goes on after epoch 1");
    assert!(!output.stderr.contains("epoch 1/2"));
    assert_eq!(project.weights(CE), finished.weights(CE));
    let manifest = fs::read_to_string(project.entry("train", CE).join("manifest.json")).unwrap();
    assert!(manifest.contains("\"resumed\": 1"), "{manifest}");
}

/// One flipped bit in what a training goes on from would end in other weights, and nothing later would notice. So it is
/// noticed, said, and not gone on from: neither from weights nor from metrics, wherever in the file the bit is.
#[test]
fn a_damaged_checkpoint_is_noticed_and_not_gone_on_from() {
    let finished = Project::finished();
    for (place, damage) in [(0.1, 1), (0.5, 1), (0.999, 1), (0.5, 0)] {
        let project = Project::new();
        let mut running = project.start(&["all", "--cells", CE]);
        running.until("epoch 1/2");
        let workers = running.workers();
        running.signal("KILL");
        running.end();
        workers.into_iter().for_each(wait_for_end);
        let folder = project.cache().join("work");
        let file = fpl_repro::fs::files_below(&folder).unwrap();
        let file = folder.join(file.iter().find(|file| file.ends_with("checkpoint.safetensors")).unwrap());
        let mut bytes = fs::read(&file).unwrap();
        let at = (bytes.len() as f64 * place) as usize;
        if damage == 0 {
            bytes.truncate(at);
        } else {
            bytes[at] ^= damage;
        }
        fs::write(&file, bytes).unwrap();
        let output = project.ok(&["all", "--cells", CE]);
        output.says("the checkpoint is damaged");
        output.says("epoch 1/2");
        assert_eq!(project.weights(CE), finished.weights(CE));
    }
}

/// What a loss learns is part of the checkpoint, and the metrics say where it stands.
#[test]
fn a_learned_alpha_survives_sigkill() {
    let args = ["all", "--cells", FPL, "--set", "losses.fpl.alpha={kind=\"learned\"}"];
    let (whole, project) = (Project::new(), Project::new());
    whole.ok(&args);
    let mut running = project.start(&args);
    running.until("epoch 1/2");
    let workers = running.workers();
    running.signal("KILL");
    running.end();
    workers.into_iter().for_each(wait_for_end);
    project.ok(&args).says("goes on after epoch 1");
    let read = |project: &Project, file: &str| {
        let mut entries = project.status(&args[3..]).into_iter();
        let entry = entries.find(|entry| entry["stage"] == "train" && entry["subject"] == FPL).unwrap();
        fs::read(project.cache().join("train").join(entry["fingerprint"].as_str().unwrap()).join(file)).unwrap()
    };
    assert!(read(&project, "weights.safetensors") == read(&whole, "weights.safetensors"));
    let alphas = |project: &Project| -> Vec<String> {
        let text = String::from_utf8(read(project, "metrics.jsonl")).unwrap();
        let alpha = |line| format!("{:?}", serde_json::from_str::<EpochMetrics>(line).unwrap().learned_alpha.unwrap());
        text.lines().map(alpha).collect()
    };
    assert_eq!(alphas(&project), alphas(&whole));
    assert_ne!(alphas(&whole)[0], alphas(&whole)[1], "it moves");
}

#[test]
fn ctrl_c_and_sigterm_end_with_130_and_say_how_to_go_on() {
    for signal in ["TERM", "INT"] {
        let project = Project::new();
        let mut running = project.start(&["all", "--cells", CE]);
        running.until("epoch 1/2");
        let workers = running.workers();
        running.signal(signal);
        let (_, output) = running.end();
        assert_eq!(output.code, 130, "{output:#?}");
        output.says("interrupted");
        output.says("run the same command again to go on");
        workers.into_iter().for_each(wait_for_end);
        if signal == "TERM" {
            let again = project.ok(&["all", "--cells", CE]);
            again.says("goes on after epoch 1");
        }
    }
}

#[test]
fn two_runs_at_once_train_every_cell_once() {
    let project = Project::new();
    let (a, b) = (project.start(&["all"]), project.start(&["all"]));
    let ((_, a), (_, b)) = (a.end(), b.end());
    assert_eq!((a.code, b.code), (0, 0), "{a:#?} {b:#?}");
    for stage in stages(FPL).iter().chain(&stages(CE)).chain(&set(["fetch data generated"])) {
        let times = [&a, &b].iter().filter(|output| output.ran().contains(stage)).count();
        assert_eq!(times, 1, "{stage}: {a:#?} {b:#?}");
    }
    assert!(project.ok(&["all"]).ran().is_empty());
    project.ok(&["verify"]);
}

#[test]
fn a_worker_that_is_killed_fails_its_cell_and_the_next_run_goes_on() {
    let (project, finished) = (Project::new(), Project::finished());
    let mut running = project.start(&["all", "--jobs", "1"]);
    running.until(&format!("{FPL}: epoch 1/2"));
    kill(running.workers()[0], "KILL");
    let (_, output) = running.end();
    assert_eq!(output.code, 1, "{output:#?}");
    output.says(&format!("train    {FPL}: FAILED: "));
    output.says("killed (signal 9)");
    assert!(output.ran().is_superset(&stages(CE)), "{output:#?}");
    assert!(project.report().contains("killed (signal 9)"));
    let again = project.ok(&["all"]);
    again.says("goes on after epoch 1");
    assert_eq!(again.ran(), &stages(FPL) | &summaries());
    assert_eq!(project.weights(FPL), finished.weights(FPL));
    assert!(!project.report().contains("killed (signal 9)"));
}

// --- Damage ------------------------------------------------------------------------------------------------------------

#[test]
fn damaged_results_are_named_and_made_again() {
    let project = Project::finished();
    project.ok(&["all"]);
    let weights = project.weights(CE);
    let model = project.entry("train", CE).join("weights.safetensors");
    let scores = project.entry("evaluate", FPL).join("scores.json");
    flip(&model);
    fs::remove_file(&scores).unwrap();
    let output = project.ok(&["all"]);
    output.says(&format!("{}`: is not what was written: its sha256 differs", name(&project, &model)));
    output.says(&format!("{}`: is missing", name(&project, &scores)));
    // The weights come out as before, so the evaluation of them stays; the report has the training's new times.
    assert_eq!(output.ran(), &set([&format!("train {CE}"), &format!("evaluate {FPL}")]) | &summaries());
    assert_eq!(project.weights(CE), weights);

    let manifest = project.entry("evaluate", CE).join("manifest.json");
    let text = fs::read(&manifest).unwrap();
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    let output = project.run(&["verify"]);
    assert_eq!(output.code, 1, "{output:#?}");
    let output = project.ok(&["all"]);
    output.says("not a manifest");
    output.says(&name(&project, &manifest));
    assert_eq!(output.ran(), set([&format!("evaluate {CE}")]));
    project.ok(&["verify"]);
}

/// A path as the program writes it, which runs in the project's folder.
fn name(project: &Project, path: &Path) -> String {
    path.strip_prefix(&project.root).unwrap().display().to_string()
}

#[test]
fn verify_finds_a_flipped_byte_behind_an_old_time() {
    let project = Project::finished();
    let output = project.ok(&["verify"]);
    output.says("all as they were written");
    project.ok(&["all"]);
    let model = project.entry("train", FPL).join("weights.safetensors");
    let modified = fs::metadata(&model).unwrap().modified().unwrap();
    flip(&model);
    fs::File::options().append(true).open(&model).unwrap().set_modified(modified).unwrap();
    let output = project.run(&["verify"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says(&name(&project, &model));
    output.says(&format!("train of {FPL}"));
}

// --- Questions ---------------------------------------------------------------------------------------------------------

#[test]
fn status_names_the_field_that_changed() {
    let project = Project::finished();
    let entries = project.status(&["--set", FALSE_CLASSES]);
    let train = entries.iter().find(|entry| entry["stage"] == "train" && entry["subject"] == FPL).unwrap();
    assert_eq!(train["state"], "run");
    assert_eq!(train["changes"].as_array().unwrap().len(), 1);
    assert_eq!(train["changes"][0]["field"], "loss.false_classes");
    assert_eq!((&train["changes"][0]["old"], &train["changes"][0]["new"]), (&1.into(), &2.into()));
    let hits = entries.iter().filter(|entry| entry["state"] == "hit").count();
    assert_eq!(hits, 3, "the data and the other cell");
    let text = project.ok(&["status", "--set", FALSE_CLASSES]);
    text.says("loss.false_classes: 1 → 2");
}

#[test]
fn why_explains_cells_files_and_differences() {
    let project = Project::finished();
    let cell = project.ok(&["why", CE]);
    cell.says(&format!("train of {CE}"));
    cell.says("fields.loss.kind: \"cross-entropy\"");
    let model = project.entry("train", FPL).join("weights.safetensors");
    let file = project.ok(&["why", &name(&project, &model)]);
    file.says(&format!("train of {FPL}"));
    file.says("fields.loss.false_classes: 1");
    let report = project.ok(&["why", "reports/test/report.md"]);
    report.says("report of test");
    let both = project.ok(&["why", FPL, CE]);
    both.says("loss.kind: \"fpl\" → \"cross-entropy\"");
    assert!(!both.stdout.contains("recipe."), "{both:#?}");
    let same = project.ok(&["why", FPL, &name(&project, &model)]);
    same.says("no difference");
    let wrong = project.run(&["why", "table2/resnet18/random/fp/seed0"]);
    assert_eq!(wrong.code, 2);
    wrong.says(&format!("did you mean `{FPL}`"));
}

#[test]
fn without_what_they_need_only_and_offline_end_with_3() {
    let project = Project::new();
    for args in [&["report", "--only"][..], &["evaluate", "--only"], &["train", "--only"], &["plot", "--only"]] {
        let output = project.run(args);
        if args == ["plot", "--only"] {
            assert_eq!(output.code, 0, "figures of what is there: nothing yet. {output:#?}");
        } else {
            assert_eq!(output.code, 3, "{args:?}: {output:#?}");
            output.says("--only forbids");
        }
    }
    let output = project.raw(&["all", "--offline", "--cells", CE]);
    assert_eq!(output.code, 3, "{output:#?}");
    output.says("--offline forbids");
    output.says("datasets.NAME.source.archive=PATH");
    assert!(project.cache().join("train").read_dir().is_err(), "nothing was trained");
}

// --- Failures ----------------------------------------------------------------------------------------------------------

#[test]
fn a_fetch_from_a_closed_port_fails_with_help() {
    let project = Project::new();
    let source = "datasets.cifar10.source";
    let (url, mirrors) = (format!("{source}.url=\"http://127.0.0.1:9/cifar.tar.gz\""), format!("{source}.mirrors=[]"));
    let set = ["--set", &url, "--set", &mirrors];
    let output = project.raw(&[&["fetch"], &set[..]].concat());
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("failed to download `http://127.0.0.1:9/cifar.tar.gz`");
    output.says("help: give a local copy: `--set datasets.NAME.source.archive=PATH`");
}

#[test]
fn a_loss_that_is_not_finite_fails_its_cell_and_no_other() {
    let project = Project::new();
    let output = project.run(&["all", "--set", INFINITE]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says(&format!("train    {FPL}: FAILED: "));
    output.says("the loss is not finite in epoch 1, step 1 of 2");
    assert!(output.ran().is_superset(&(&stages(CE) | &summaries())), "{output:#?}");
    let report = project.report();
    assert!(report.to_lowercase().contains("failed") && report.contains("not finite in epoch 1, step 1 of 2"));
    let entries = project.status(&["--set", INFINITE]);
    let train = entries.iter().find(|entry| entry["stage"] == "train" && entry["subject"] == FPL).unwrap();
    assert!(train["failure"].as_str().unwrap().contains("not finite"), "{train:#?}");
    // The failure is not cached: it is tried again, and again only this cell.
    let again = project.run(&["all", "--set", INFINITE]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("FAILED") && !again.stderr.contains(&format!("{CE}: ")), "{again:#?}");
    assert_eq!(project.ok(&["all"]).ran(), &stages(FPL) | &summaries());
}

#[test]
fn with_fail_fast_no_further_cell_starts() {
    let project = Project::new();
    let output = project.run(&["all", "--fail-fast", "--jobs", "1", "--set", "recipes.table2.optimizer.lr=1e30"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("the loss is not finite in epoch 1, step 2 of 2");
    assert_eq!(output.stderr.matches("FAILED").count(), 1);
    assert!(!output.stderr.contains(CE), "{output:#?}");
    assert!(project.report().contains("another cell failed first"));
    output.says("; lower the learning rate");
    let log =
        output.stderr.split('`').find(|part| Path::new(part).extension().is_some_and(|extension| extension == "log"));
    assert!(log.is_some_and(|log| project.root.join(log).is_file()), "no log is named: {output:#?}");
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let project = Project::new();
    fs::write(project.cache(), "no folder").unwrap();
    let output = project.run(&["all"]);
    assert_ne!(output.code, 0);
    output.says("/cache`: ");
    assert_eq!(fs::read_to_string(project.cache()).unwrap(), "no folder");
}

#[test]
fn cells_without_their_weights_file_are_left_out_and_the_others_run() {
    let project = Project::finished();
    let base = fs::read_to_string(project.root.join("profiles/test.toml")).unwrap();
    let rows =
        "rows = [{ network = \"resnet18\", initialization = \"imagenet\", recipe = \"finetune\", losses = [\"ce\"] }]";
    let file = "[initializations.imagenet.files.resnet18]\nurl = \"file:///nowhere/resnet18.pth\"\nmirrors = []\n\
        bytes = 1\npath = \"\"\ndrop = []\n";
    let text = base.replace("rows = []", rows) + file + &format!("sha256 = \"{}\"\n", "0".repeat(64));
    project.profile("test", &text);
    let output = project.run(&["all"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("table3/resnet18/imagenet/ce/seed0: not run: weights missing: ");
    output.says("/nowhere/resnet18.pth");
    output.says("1 cell without result");
    assert_eq!(output.ran(), summaries());
    assert!(project.report().contains("weights missing"));
}

#[test]
fn a_weights_file_of_another_network_is_named_as_the_user_named_it() {
    let project = Project::finished();
    let base = fs::read_to_string(project.root.join("profiles/test.toml")).unwrap();
    let rows =
        "rows = [{ network = \"resnet18\", initialization = \"imagenet\", recipe = \"finetune\", losses = [\"ce\"] }]";
    let number = 1.0_f32.to_le_bytes();
    let tensor = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &number).unwrap();
    let bytes = safetensors::serialize([("stem.weight", tensor)], None).unwrap();
    fs::write(project.root.join("other.safetensors"), &bytes).unwrap();
    let file = format!(
        "[initializations.imagenet.files.resnet18]\nurl = \"\"\nmirrors = []\nbytes = {}\npath = \"other.safetensors\"\n\
         drop = []\nsha256 = \"{}\"\n",
        bytes.len(),
        fpl_repro::fs::sha256_bytes(&bytes)
    );
    project.profile("test", &(base.replace("rows = []", rows) + &file));
    let output = project.run(&["all"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("table3/resnet18/imagenet/ce/seed0: FAILED: `other.safetensors` (`/");
    output.says("unexpected tensor `stem.weight` of shape [1]");
}
