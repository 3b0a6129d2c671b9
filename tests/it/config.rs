//! A wrong configuration: exit code 2, where it is, what is near it, and nothing written.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::path::Path;

use fpl_repro::config;
use fpl_repro::plan::plan;
use fpl_repro::recipe::Stem;

use crate::support::Project;

/// Expects that a command is refused with all of these words, and that it leaves no trace.
#[track_caller]
fn refused(project: &Project, args: &[&str], words: &[&str]) {
    let output = project.run(&[args, &["all"]].concat());
    assert_eq!(output.code, 2, "{args:?}: {output:#?}");
    for word in words {
        assert!(output.stderr.contains(word), "{args:?}: no `{word}` in {}", output.stderr);
    }
    assert!(output.stderr.contains("help: "), "{args:?}: {}", output.stderr);
    for name in ["u32", "u64", "f64", "invalid type", "struct "] {
        assert!(!output.stderr.contains(name), "{args:?}: a name of Rust's, `{name}`, in {}", output.stderr);
    }
    assert!(!project.cache().exists() && !project.root.join("reports").exists(), "{args:?}");
}

#[test]
fn an_error_in_a_file_names_its_line_its_key_and_the_nearest_name() {
    let project = Project::new();
    let wrong = |text: &str, words: &[&str]| {
        project.profile("wrong", text);
        let output = project.raw(&["--profile", "wrong", "all"]);
        assert_eq!(output.code, 2, "{output:#?}");
        for word in words {
            assert!(output.stderr.contains(word), "{text}: no `{word}` in {}", output.stderr);
        }
        assert!(!project.cache().exists());
    };
    let at = "profiles/wrong.toml:";
    wrong("\n[recipes.table2]\nepoch = 3", &[&format!("{at}3"), "`recipes.table2.epoch`", "did you mean `epochs`"]);
    wrong(
        "[recipes.table2]\nepochs = \"3\"",
        &[&format!("{at}2"), "`recipes.table2.epochs`", "1 or more", "the text \"3\""],
    );
    wrong("[recipes.table2]\nepochs = -3", &[&format!("{at}2"), "`recipes.table2.epochs`", "whole number", "not -3"]);
    // The line itself, as compilers show it, with the key underlined.
    wrong("[recipes.table2]\nepochs = -3", &["2 | epochs = -3", "  | ^^^^^^"]);
    wrong(
        "[recipes.tabel2]\nepochs = 3",
        &[&format!("{at}1"), "there is no `recipes.tabel2`", "did you mean `table2`"],
    );
    wrong("[recipes.quite-another]\nepochs = 3", &[&format!("{at}1"), "missing field `batch_size`", "add `batch_size"]);
    wrong(
        "[[paper.claims]]\nid = \"X\"\ncells = \"table2/resnet18/fpl\"",
        &[&format!("{at}3"), "`paper.claims.0.cells`", "table/architecture/initial weights/loss"],
    );
    wrong(
        "[datasets.long]\nbase = \"cifar10\"\n[datasets.long.imbalance]\nkind = \"long-tailed\"\nfactor = 0.1\nchoice = \"first\"",
        &[&format!("{at}5"), "`datasets.long.imbalance.factor`", "1 or more"],
    );
    wrong("[recipes.mine]\nbase = \"table\"", &[&format!("{at}2"), "`recipes.mine.base`", "did you mean `table2`"]);
    wrong("\n\nseed = 1", &[&format!("{at}3"), "`seed`", "did you mean `seeds`"]);
    wrong(
        "[networks.resnet18]\nstem = \"imagnet\"",
        &[&format!("{at}2"), "`networks.resnet18.stem`", "did you mean `imagenet`"],
    );
    wrong("[losses.fpl]\nkind = \"fp\"", &[&format!("{at}2"), "`losses.fpl", "did you mean `fpl`"]);
    wrong("[recipes.table2\nepochs = 1", &[&format!("{at}1"), "syntax"]);
    wrong("[recipes.table2]\nbatch_size = 1", &[&format!("{at}2"), "`recipes.table2.batch_size`", "one image"]);
    wrong(
        "[datasets.cifar10]\ntrain_limit = 129",
        &["`recipes.", "batch_size`", "one image", "of 129 training images"],
    );
    wrong("[figures]\nexample = \"table2/resnet8/random/fpl\"", &[&format!("{at}2"), "`table2/resnet18/random/fpl`?"]);
}

#[test]
fn rows_name_the_entry_that_refers_to_nothing() {
    profile_refused_row("recipe = \"tabel2\"", "did you mean `table2`");
    profile_refused_row("network = \"resnet-18\"", "did you mean `resnet18`");
}

#[track_caller]
fn profile_refused_row(replacement: &str, words: &str) {
    let key = replacement.split(' ').next().unwrap();
    let row: String = ["network = \"resnet18\"", "initialization = \"random\"", "recipe = \"table2\""]
        .iter()
        .map(|line| if line.starts_with(key) { format!("{replacement}\n") } else { format!("{line}\n") })
        .collect();
    let text = format!("[[tables.table2.rows]]\n{row}losses = [\"ce\"]\n");
    let project = Project::new();
    project.profile("wrong", &text);
    let output = project.raw(&["--profile", "wrong", "plan"]);
    assert_eq!(output.code, 2, "{output:#?}");
    output.says("profiles/wrong.toml:");
    output.says(&format!("`tables.table2.rows.0.{key}`"));
    output.says(words);
}

#[test]
fn an_error_in_an_option_names_the_option() {
    let project = Project::new();
    let set = |option: &str, words: &[&str]| {
        refused(&project, &["--set", option], &[&[format!("--set {option}").as_str()], words].concat());
    };
    set("recipes.table2.epoch=2", &["`recipes.table2.epoch`", "did you mean `epochs`"]);
    set("recipes.table2.epochs=many", &["`recipes.table2.epochs`", "must be a whole number", "many"]);
    set("recipes.tabel2.epochs=2", &["there is no `recipes.tabel2`", "did you mean `table2`"]);
    set("run.offline=maybe", &["`run.offline`", "true or false"]);
    set("recipes.table2.optimizer.lr=fast", &["`recipes.table2.optimizer", "must be a number", "fast"]);
    set("recipes.table2.epochs", &["has no `=`"]);
    let row = "write `table/architecture/initial weights/loss`";
    set("paper.claims.0.cells=table2/fpl", &["`paper.claims.0.cells`", "`table2/fpl` is not the name", row]);
    set("figures.example=table2/resnet18/random/fpl/seed0", &["`figures.example`", row]);
    set("figures.curves=[\"table2\"]", &["`figures.curves.0`", "write `table/architecture/initial weights`"]);
    set("initializations.random={kind=\"cell\",cell=\"warmup\"}", &["`initializations.random.cell`", row]);
    set("=2", &["key is empty"]);
    set("networks.efficientnetv2-s.stem=cifar", &["`networks.efficientnetv2-s.stem`", "no CIFAR stem"]);
    set("losses.fpl.false_classes=10", &["`losses.fpl.false_classes`", "1 to 9"]);
    set("losses.fpl.false_classes=0", &["1 to 9"]);
    set("losses.fpl.aggregate=average", &["`losses.fpl", "unknown variant `average`"]);
    set("losses.fpl.true_term.kind=squred", &["`losses.fpl", "did you mean `squared`"]);
    set("losses.fpl.true_term={kind=\"focal\",gamma=-1.0}", &["`losses.fpl.true_term.gamma`", "not be negative"]);
    set("losses.fpl.false_term={kind=\"poly\",epsilon=-1.5}", &["`losses.fpl.false_term.epsilon`", "−1 or more"]);
    set("losses.fpl.alpha={kind=\"constant\",true_class=0.0,false_class=0.0}", &["`losses.fpl.alpha.true_class`"]);
    set("losses.ce-scaled.factor=0.0", &["`losses.ce-scaled.factor`", "positive"]);
    set("losses.focal.gamma=-0.5", &["`losses.focal.gamma`"]);
    set("losses.class-balanced.beta=1.0", &["`losses.class-balanced.beta`", "below 1"]);
    set("losses.poly.epsilon=-2.0", &["`losses.poly.epsilon`"]);
    set("losses.gce.q=0.0", &["`losses.gce.q`", "at most 1"]);
    set("losses.sce.log_zero=4.0", &["`losses.sce.log_zero`", "negative"]);
    set("losses.sce={kind=\"symmetric-cross-entropy\",alpha=0.0,beta=0.0,log_zero=-4.0}", &["nothing is left"]);
    set("losses.taylor.order=0", &["`losses.taylor.order`", "1 to 100"]);
    set("losses.label-smoothing.epsilon=1.0", &["`losses.label-smoothing.epsilon`"]);
    set("recipes.table2.batch_size=39", &["`recipes.table2.batch_size`", "minibatch of one image"]);
    set("datasets.generated.train_limit=41", &["`datasets.generated.train_limit`", "only 40 training images"]);
    set("dataset=generatd", &["`dataset`", "did you mean `generated`"]);
    set("tables.table2.rows.0.dataset=cifar", &["`tables.table2.rows.0.dataset`", "there is no `cifar`"]);
    set("tables.table2.rows.0.dataset=cifar100", &["`tables.table2.rows.0.dataset`", "other test images"]);
    let of = |key: &str, value: &str| format!("datasets.generated.{key}={{{value}}}");
    let imbalance = |value: &str, words: &[&str]| set(&of("imbalance", value), words);
    let long = "kind=\"long-tailed\",choice=\"first\"";
    imbalance(&format!("{long},factor=0.5"), &["`datasets.generated.imbalance.factor`", "1 or more"]);
    // Four images per class, 4·100^(−i/9): 4, 2, 1, 0, …
    imbalance(&format!("{long},factor=100.0"), &["`datasets.generated.imbalance.factor`", "no image of class `cat`"]);
    imbalance(&format!("{long},factor=2.0,largest=5"), &["`datasets.generated.imbalance.largest`", "has 4 images"]);
    imbalance(&format!("{long},factors=2.0"), &["unknown field `factors`", "did you mean `factor`"]);
    let step = "kind=\"step\",choice=\"drawn\",factor=2.0";
    imbalance(&format!("{step},minority=1.0"), &["`datasets.generated.imbalance.minority`", "10 would be small"]);
    let noise = |value: &str, words: &[&str]| set(&of("noise", value), words);
    noise("kind=\"symmetric\",rate=1.5", &["`datasets.generated.noise.rate`", "not a probability"]);
    let pairs = "kind=\"asymmetric\",rate=0.4,partners";
    noise(&format!("{pairs}={{cat=\"dgo\"}}"), &["noise.partners.cat`", "there is no `dgo`", "did you mean `dog`"]);
    noise(&format!("{pairs}={{lorry=\"dog\"}}"), &["noise.partners.lorry`", "there is no `lorry`"]);
    noise(&format!("{pairs}={{cat=\"cat\"}}"), &["noise.partners.cat`", "become itself"]);
    noise("kind=\"file\",path=\"x\",sha256=\"0\"", &["`datasets.generated.noise.sha256`", "not a sha256"]);
    set("recipes.table2.base=tabel3", &["`recipes.table2.base`", "there is no `recipes.tabel3`"]);
    set("recipes.table2.base=table2", &["`recipes.table2.base`", "inherits from itself"]);
    set("recipes.table2.optimizer.lr=0.0", &["`recipes.table2.optimizer.lr`", "positive"]);
    set("recipes.table2.optimizer.eps=inf", &["`recipes.table2.optimizer.eps`", "positive"]);
    set("recipes.table2.optimizer.weight_decay=inf", &["`recipes.table2.optimizer.weight_decay`"]);
    set("recipes.table2.normalization.mean=[nan,0.0,0.0]", &["`recipes.table2.normalization.mean`", "finite"]);
    set("recipes.table2.schedule={kind=\"multi-step\",milestones=[1],gamma=inf}", &["schedule.gamma`", "positive"]);
    set("recipes.table2.optimizer.momentum=0.9", &["momentum", "recipes.table2.optimizer"]);
    set("recipes.table2.augmentation.flip=1.5", &["not a probability"]);
    set("tables.table2.rows.0.recipe=tabel2", &["`tables.table2.rows.0.recipe`", "did you mean `table2`"]);
    set("tables.table2.rows.3.recipe=table2", &["no entry `3`"]);
    set("tables.table2.rows.0.losses=[\"ce\",\"ce\"]", &["twice"]);
    set("run.device=gpu", &["`run.device`", "unknown device `gpu`", "cuda:N"]);
    set("run.jobs=0", &["`run.jobs`"]);
    set("run.jobs=many", &["`auto` or a whole number"]);
    set("run.jobs=4294967295", &["`run.jobs`", "at most 1024"]);
    set("figures.samples_per_class=4000000000", &["`figures.samples_per_class`", "at most 100"]);
    let long = "x".repeat(240);
    set(&format!("losses.{long}.kind=cross-entropy"), &[&format!("`losses.{long}`"), "at most 48 letters"]);
    set("losses.\"a.b\".kind=cross-entrpy", &["`losses.a.b", "did you mean `cross-entropy`"]);
    set("seeds=[]", &["`seeds`", "no seed"]);
}

#[test]
fn a_cache_path_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::new();
    let path = std::ffi::OsStr::from_bytes(b"caf\xe9");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fpl-repro"));
    command.current_dir(&project.root).args(["--profile", "test", "fetch", "--cache-dir"]).arg(path);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("is not UTF-8") && said.contains("--cache-dir"), "{said}");
    assert!(!project.root.join(path).exists());
}

#[test]
fn a_stem_that_does_not_fit_its_initial_weights_is_refused_with_both_keys() {
    let project = Project::new();
    let refused = |profile: &str, set: &str, words: &[&str]| {
        let output = project.raw(&["--profile", profile, "--set", set, "plan"]);
        assert_eq!(output.code, 2, "{output:#?}");
        for said in words {
            output.says(said);
        }
    };
    let file = ["`networks.resnet50.stem`", "`initializations.imagenet.files.resnet50`", "drop = [\"conv1.\"]"];
    refused("what-if", "networks.resnet50.stem=cifar", &file);
    let cell = ["`networks.resnet50-cifar.stem`", "`initializations.imagenet.cell`", "does not fit"];
    refused("quickstart", "tables.table3.rows.1.network=resnet50-cifar", &cell);
    let drop = "initializations.imagenet.files.resnet50.drop=[\"conv1.\"]";
    let both = ["--profile", "what-if", "--set", "networks.resnet50.stem=cifar", "--set", drop, "plan"];
    assert_eq!(project.raw(&both).code, 0);
}

/// A key with a dot is quoted, as in TOML.
#[test]
fn a_key_with_a_dot_can_be_set() {
    let project = Project::new();
    let row = "{ network = \"resnet18\", initialization = \"random\", recipe = \"table2\", losses = [\"ce\"] }";
    let table = format!("tables.\"a.b\"={{ number = \"T\", caption = \"C\", kind = \"accuracy\", rows = [{row}] }}");
    let sets = ["--set", &table, "--cells", "a.b/*"];
    project.ok(&[&["plan"][..], &sets].concat()).says("a.b/resnet18/random/ce/seed0");
}

#[test]
fn keys_nested_without_end_are_refused() {
    let project = Project::new();
    let deep = vec!["a"; 60_000].join(".");
    for text in [format!("{deep} = 1"), format!("note = 'x'\n[{deep}]"), format!("a = {{ {deep} = 1 }}")] {
        project.profile("deep", &text);
        let output = project.raw(&["--profile", "deep", "plan"]);
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains("deep.toml:") && output.stderr.contains("more than 64 parts"));
    }
    for set in [format!("{deep}=1"), format!("a={{{deep}=1}}")] {
        let output = project.run(&["plan", "--set", &set]);
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains("--set: `syntax`: a key of more than 64 parts"));
    }
}

#[test]
fn options_that_select_nothing_are_refused() {
    let project = Project::new();
    refused(&project, &["--seeds", "3..1"], &["--seeds 3..1", "not a range", "0..4"]);
    refused(&project, &["--seeds", "one"], &["`one` is not a seed"]);
    refused(&project, &["--seeds", "1,1"], &["twice"]);
    refused(&project, &["--cells", "table9/*"], &["--cells 'table9/*'", "`table2/resnet18/random/fpl/seed…`"]);
    refused(&project, &["--cells", "table2/*", "--cells", "resnet18"], &["--cells 'resnet18'"]);
}

#[test]
fn a_misspelt_profile_gets_the_nearest_name() {
    let project = Project::new();
    let output = project.raw(&["--profile", "quickstrat", "all"]);
    assert_eq!(output.code, 2);
    output.says("no profile `quickstrat`");
    output.says("did you mean `quickstart`");
    let output = project.raw(&["--profile", "../pipeline", "all"]);
    assert_eq!(output.code, 2, "{output:#?}");
    assert!(!project.cache().exists());
}

#[test]
fn without_a_pipeline_toml_the_folder_is_named() {
    let project = Project::new();
    fs::remove_file(project.root.join("pipeline.toml")).unwrap();
    let output = project.raw(&["all"]);
    assert_eq!(output.code, 2, "{output:#?}");
    output.says("no `pipeline.toml` in ");
    output.says("--config FILE");
    let output = project.raw(&["--config", "nowhere.toml", "all"]);
    assert_eq!(output.code, 2);
    output.says("`nowhere.toml` does not exist");
    output.says("help: name a configuration");
    assert!(!project.cache().exists());
}

#[test]
fn the_folder_may_be_below_that_of_pipeline_toml() {
    let project = Project::new();
    let below = project.root.join("profiles");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fpl-repro"))
        .args(["plan", "--profile", "test"])
        .current_dir(below)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The README's three readings of Table 3's fine-tuning: what its `--set`s make of the cells that start from ImageNet.
#[test]
fn the_readme_has_the_three_readings_of_fine_tuning() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let table = readme.split("| reading | set |").nth(1).unwrap().split("\n\n").next().unwrap();
    let found: Vec<_> = table
        .lines()
        .skip(2)
        .map(|row| {
            let options = row.trim_end_matches(" |").rsplit("| ").next().unwrap().trim_matches('`');
            let sets: Vec<String> =
                options.split("--set ").skip(1).map(|set| set.trim().trim_matches('\'').to_owned()).collect();
            let config = config::load(&root.join("pipeline.toml"), None, &sets).unwrap().config;
            let plan = plan(&config, &config::shipped().unwrap(), None, &[]).unwrap();
            let cell = plan.cells.iter().find(|cell| cell.id.setting().initialization() == "imagenet").unwrap();
            let training = &cell.training;
            let drop = training.initialization.drop.clone();
            (training.network.stem, training.recipe.input_size, drop, cell.deviations.is_empty())
        })
        .collect();
    let head = || vec!["fc.".to_owned()];
    // MMClassification's tutorial; its 7×7 stem on the images as they are; its weights in a `ResNet_CIFAR`, whose first
    // convolution has another shape, so that it is drawn anew, as is the head.
    let expected = [
        (Stem::Imagenet, 224, head(), true),
        (Stem::Imagenet, 32, head(), false),
        (Stem::Cifar, 32, vec!["fc.".to_owned(), "conv1.".to_owned()], false),
    ];
    assert_eq!(found, expected);
}

#[test]
fn shipped_profiles_are_valid() {
    let project = Project::new();
    for profile in ["cpu", "imbalance", "noise", "quickstart", "what-if"] {
        let output = project.raw(&["--profile", profile, "plan"]);
        assert_eq!(output.code, 0, "{output:#?}");
    }
    assert!(!project.cache().exists(), "`plan` writes nothing");
}

#[test]
fn alternative_readings_as_shipped_are_not_reduced_and_change_nothing_else() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipeline.toml");
    let cells = |profile: Option<&str>, sets: &[String]| {
        let config = config::load(&file, profile, sets).unwrap().config;
        plan(&config, &config::shipped().unwrap(), None, &[]).unwrap()
    };
    let (papers, whatif) = (cells(None, &[]), cells(Some("what-if"), &[]));
    assert!(whatif.cells.iter().all(|cell| cell.deviations.is_empty()));
    for cell in &papers.cells {
        let same = whatif.cells.iter().find(|other| other.id == cell.id).unwrap();
        assert_eq!(whatif.nodes[same.train].fingerprint, papers.nodes[cell.train].fingerprint, "{}", cell.id);
    }
    let reduced = cells(Some("what-if"), &["recipes.table2-adadelta-1.epochs=3".to_owned()]);
    let cell = reduced.cells.iter().find(|cell| cell.id.setting().table() == "what-if-adadelta").unwrap();
    assert_eq!(cell.deviations, ["epochs: 20 → 3"]);
}
