//! What is part of a fingerprint and what is not: a mistake here costs users their results, or shows them wrong ones.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fpl_repro::config::{self, Config};
use fpl_repro::fingerprint::{Fingerprint, canonical};
use fpl_repro::plan::{StageKind, plan};
use fpl_repro::protocol::{EvaluateJob, EvaluatePlace, TrainJob, TrainPlace};
use fpl_repro::recipe::Loss;
use proptest::prelude::*;
use serde_json::Value;

/// A cell of the paper.
const CELL: &str = "table2/resnet18/random/ce/seed0";

fn load(sets: &[&str]) -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipeline.toml");
    let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
    config::load(&file, None, &sets).unwrap_or_else(|error| panic!("{sets:?}: {error}")).config
}

/// The fingerprints of all trainings, or all evaluations, by cell.
fn fingerprints(config: &Config, stage: StageKind) -> BTreeMap<String, String> {
    let plan = plan(config, &config::shipped().unwrap(), None, &[]).unwrap();
    let of = |node: usize| plan.nodes[node].fingerprint.to_string();
    plan.cells
        .iter()
        .map(|cell| (cell.id.to_string(), of(if stage == StageKind::Train { cell.train } else { cell.evaluate })))
        .collect()
}

/// The cells whose training has another fingerprint with this setting.
fn changed(set: &str) -> BTreeSet<String> {
    let (before, after) = (load(&[]), load(&[set]));
    let differing = |stage| -> BTreeSet<String> {
        let (before, after) = (fingerprints(&before, stage), fingerprints(&after, stage));
        assert!(before.keys().eq(after.keys()), "{set}");
        before.into_iter().filter(|(cell, old)| after[cell] != *old).map(|(cell, _)| cell).collect()
    };
    let trainings = differing(StageKind::Train);
    assert_eq!(trainings, differing(StageKind::Evaluate), "{set}: an evaluation follows its training");
    trainings
}

#[track_caller]
fn changes(set: &str, concerned: impl Fn(&str) -> bool) {
    let all = fingerprints(&load(&[]), StageKind::Train);
    let expected: BTreeSet<String> = all.into_keys().filter(|cell| concerned(cell)).collect();
    assert!(!expected.is_empty(), "{set} concerns no cell");
    assert_eq!(changed(set), expected, "{set}");
}

/// Dotted paths of everything that is no object in a value.
fn leaves(path: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map.iter().flat_map(|(key, value)| leaves(&format!("{path}.{key}"), value)).collect(),
        _ => vec![path.to_owned()],
    }
}

/// Every field below a table of the configuration is one of those that were changed.
#[track_caller]
fn covers(table: &str, sets: &[&str]) {
    let config = serde_json::to_value(load(&[])).unwrap();
    let value = table.split('.').fold(&config, |value, key| &value[key]);
    for leaf in leaves(table, value) {
        let tested = sets.iter().any(|set| set.split_once('=').unwrap().0 == leaf);
        assert!(tested || leaf.rsplit('.').next() == Some("kind"), "`{leaf}` is a new field: change it in this test");
    }
}

#[test]
fn every_field_of_a_recipe_concerns_the_cells_of_that_recipe() {
    let table2 = [
        "recipes.table2.epochs=21",
        "recipes.table2.batch_size=60",
        "recipes.table2.optimizer.lr=0.01",
        "recipes.table2.optimizer.rho=0.95",
        "recipes.table2.optimizer.eps=1e-7",
        "recipes.table2.optimizer.weight_decay=1e-4",
        "recipes.table2.optimizer={kind=\"sgd\",lr=0.001,momentum=0.0,weight_decay=0.0,nesterov=false}",
        "recipes.table2.schedule={kind=\"multi-step\",milestones=[10],gamma=0.1}",
        "recipes.table2.initializer=mmclassification",
        "recipes.table2.augmentation.crop_padding=4",
        "recipes.table2.augmentation.border=mean",
        "recipes.table2.augmentation.flip=0.5",
        "recipes.table2.normalization.mean=[125.307, 122.9505, 113.866]",
        "recipes.table2.normalization.std=[62.993, 62.089, 66.706]",
        "recipes.table2.input_size=64",
        "recipes.table2.precision=bfloat16",
        "recipes.table2.schedule={kind=\"cosine-per-step\"}",
    ];
    covers("recipes.table2", &table2);
    for set in table2 {
        changes(set, |cell| cell.starts_with("table2/"));
    }
    for recipe in ["scratch", "finetune"] {
        let sets: Vec<String> = [
            "epochs=21",
            "batch_size=60",
            "optimizer.lr=0.002",
            "optimizer.momentum=0.8",
            "optimizer.weight_decay=1e-5",
            "optimizer.nesterov=true",
            "schedule.milestones=[3,4]",
            "schedule.gamma=0.2",
            "initializer=torchvision",
            "augmentation.crop_padding=3",
            "augmentation.border=mean",
            "augmentation.flip=0.25",
            "normalization.mean=[125.0, 122.9505, 113.866]",
            "normalization.std=[62.0, 62.089, 66.706]",
            "input_size=64",
            "precision=tf32",
        ]
        .iter()
        .map(|set| format!("recipes.{recipe}.{set}"))
        .collect();
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        covers(&format!("recipes.{recipe}"), &sets);
        for set in sets {
            let of = if recipe == "scratch" { "table3/resnet50/random/" } else { "table3/resnet50/imagenet/" };
            changes(set, |cell| cell.starts_with(of));
        }
    }
}

#[test]
fn every_option_of_a_loss_concerns_the_cells_of_that_loss() {
    let sets = [
        "losses.fpl.true_term={kind=\"squared\"}",
        "losses.fpl.false_term={kind=\"linear\"}",
        "losses.fpl.false_classes=2",
        "losses.fpl.aggregate=mean",
        "losses.fpl.aggregate=median",
        "losses.fpl.alpha={kind=\"learned\"}",
        "losses.fpl.alpha={kind=\"none\"}",
        "losses.fpl.alpha={kind=\"minibatch\"}",
        "losses.fpl.alpha={kind=\"constant\",true_class=1.0,false_class=0.5}",
    ];
    covers("losses.fpl", &sets);
    for set in sets {
        changes(set, |cell| cell.contains("/fpl/"));
    }
    let constant = |alpha: &str| fingerprints(&load(&[alpha]), StageKind::Train);
    let half = constant("losses.fpl.alpha={kind=\"constant\",true_class=1.0,false_class=0.5}");
    for other in ["true_class=0.5,false_class=0.5", "true_class=1.0,false_class=0.25"] {
        let other = constant(&format!("losses.fpl.alpha={{kind=\"constant\",{other}}}"));
        assert!(half.iter().all(|(cell, old)| (other[cell] != *old) == cell.contains("/fpl/")));
    }
}

/// The values with one number in them changed, by one where it is whole and by a hundredth where it is not.
fn neighbours(value: &toml::Value) -> Vec<toml::Value> {
    match value {
        toml::Value::Float(number) => vec![toml::Value::Float(number * 0.99)],
        toml::Value::Integer(number) => vec![toml::Value::Integer(number + 1)],
        toml::Value::Table(table) => {
            let with = |key: &String, value| {
                let mut table = table.clone();
                table.insert(key.clone(), value);
                toml::Value::Table(table)
            };
            table
                .iter()
                .flat_map(|(key, value)| neighbours(value).into_iter().map(move |value| with(key, value)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Losses that differ in anything, their kind or a parameter, have different fingerprints. `pipeline.toml` has one of every
/// kind with all of its keys.
#[test]
fn every_parameter_of_every_loss_counts() {
    let terms = [
        "{kind=\"log\"}",
        "{kind=\"squared\"}",
        "{kind=\"linear\"}",
        "{kind=\"focal\",gamma=2.0}",
        "{kind=\"focal\",gamma=1.0}",
        "{kind=\"poly\",epsilon=2.0}",
        "{kind=\"poly\",epsilon=1.0}",
        "{kind=\"generalized\",exponent=0.7}",
        "{kind=\"generalized\",exponent=0.5}",
    ];
    let fpl = |first: &str, second: &str| {
        let rest = "false_classes=1,aggregate=\"sum\",alpha={kind=\"none\"}";
        format!("{{kind=\"fpl\",true_term={first},false_term={second},{rest}}}")
    };
    let shipped: Vec<toml::Value> =
        load(&[]).losses.values().map(|loss| toml::Value::try_from(loss).unwrap()).collect();
    let changed = shipped.iter().flat_map(neighbours);
    let mut losses: Vec<String> = changed.chain(shipped.iter().cloned()).map(|loss| loss.to_string()).collect();
    // `log` stands for both terms in the shipped FPL without α.
    losses.extend(terms.iter().skip(1).map(|term| fpl(term, terms[0])));
    losses.extend(terms.iter().skip(1).map(|term| fpl(terms[0], term)));
    let of = |loss: &String| fingerprints(&load(&[&format!("losses.ce={loss}")]), StageKind::Train)[CELL].clone();
    let distinct: BTreeSet<String> = losses.iter().map(of).collect();
    assert_eq!(distinct.len(), losses.len());
    let kinds: BTreeSet<String> = shipped.iter().map(|loss| loss["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, Loss::kinds().collect(), "every kind of loss has a key in pipeline.toml");
}

#[test]
fn networks_and_initial_weights_concern_the_cells_that_use_them() {
    changes("networks.resnet18.stem=cifar", |cell| cell.contains("/resnet18/"));
    changes("networks.resnet50-cifar.stem=imagenet", |cell| cell.starts_with("table3/resnet50/random/"));
    let file = "initializations.imagenet.files.resnet50";
    changes(&format!("{file}.sha256={}", "0".repeat(64)), |cell| cell.contains("/imagenet/"));
    changes(&format!("{file}.drop=[\"conv1.\"]"), |cell| cell.contains("/imagenet/"));
    // The same architecture and recipe, with other initial weights.
    let trained = fingerprints(&load(&[]), StageKind::Train);
    let distinct: BTreeSet<&String> = trained.values().collect();
    assert_eq!(distinct.len(), trained.len());
}

#[test]
fn data_and_limits_concern_every_cell() {
    let source = "datasets.cifar10.source";
    let sets = [
        "datasets.cifar10.train_limit=1000",
        "datasets.cifar10.test_limit=1000",
        &format!("{source}.test_records=9999"),
        &format!("{source}.sha256={}", "0".repeat(64)),
        &format!("{source}.train_records=49990"),
        "datasets.cifar10.imbalance={kind=\"long-tailed\",factor=10.0,choice=\"first\"}",
        "datasets.cifar10.imbalance={kind=\"step\",factor=10.0,minority=0.5,choice=\"first\"}",
        "datasets.cifar10.noise={kind=\"symmetric\",rate=0.4}",
        "dataset=cifar100",
    ];
    for set in sets {
        changes(set, |_| true);
    }
    let generated = format!("{source}={{kind=\"generated\",seed=SEED,train_records=128,test_records=100}}");
    changes(&generated.replace("SEED", "1"), |_| true);
    let of = |seed| fingerprints(&load(&[&generated.replace("SEED", seed)]), StageKind::Train);
    assert!(of("1").iter().all(|(cell, old)| of("2")[cell] != *old));
}

/// Every way to choose and to relabel training images, by anything that it says, gives other results.
#[test]
fn every_parameter_of_imbalance_and_noise_counts() {
    let digest = |digit: &str| digit.repeat(64);
    let file =
        |path: &str, digit: &str| format!("noise={{kind=\"file\",path=\"{path}\",sha256=\"{}\"}}", digest(digit));
    let long = |rest: &str| format!("imbalance={{kind=\"long-tailed\",{rest}}}");
    let step = |rest: &str| format!("imbalance={{kind=\"step\",{rest}}}");
    let asymmetric = |rest: &str| format!("noise={{kind=\"asymmetric\",{rest}}}");
    let sets = [
        long("factor=100.0,choice=\"first\""),
        long("factor=10.0,choice=\"first\""),
        long("factor=100.0,choice=\"drawn\""),
        long("factor=100.0,choice=\"first\",largest=500"),
        step("factor=100.0,minority=0.5,choice=\"first\""),
        step("factor=10.0,minority=0.5,choice=\"first\""),
        step("factor=100.0,minority=0.2,choice=\"first\""),
        step("factor=100.0,minority=0.5,choice=\"drawn\""),
        "noise={kind=\"symmetric\",rate=0.4}".to_owned(),
        "noise={kind=\"symmetric\",rate=0.2}".to_owned(),
        asymmetric("rate=0.4,partners={cat=\"dog\"}"),
        asymmetric("rate=0.2,partners={cat=\"dog\"}"),
        asymmetric("rate=0.4,partners={cat=\"frog\"}"),
        asymmetric("rate=0.4,partners={cat=\"dog\",dog=\"cat\"}"),
        file("labels.txt", "0"),
        file("labels.txt", "1"),
    ];
    let of = |set: &String| fingerprints(&load(&[&format!("datasets.cifar10.{set}")]), StageKind::Train)[CELL].clone();
    let distinct: BTreeSet<String> = sets.iter().map(of).collect();
    assert_eq!(distinct.len(), sets.len());
    assert_eq!(of(&file("labels.txt", "0")), of(&file("elsewhere/labels.txt", "0")), "a path decides nothing");
}

/// An entry with a `base` is what it would be if it said everything.
#[test]
fn inheritance_is_resolved_before_hashing() {
    let (whole, based) = (load(&[]), load(&["recipes.other.base=table2", "tables.table2.rows.1.recipe=other"]));
    assert_eq!(fingerprints(&whole, StageKind::Train), fingerprints(&based, StageKind::Train));
    let sets = ["recipes.other={base=\"table2\",optimizer={lr=1.0}}", "tables.table2.rows.1.recipe=other"];
    let (set, based) = (load(&["recipes.table2.optimizer.lr=1.0"]), load(&sets));
    assert_eq!(fingerprints(&set, StageKind::Train)[CELL], fingerprints(&based, StageKind::Train)[CELL]);
}

#[test]
fn a_local_archive_counts_by_its_digest() {
    let config = load(&[]);
    let of = |digest| {
        let plan = plan(&config, &config, digest, &[]).unwrap();
        plan.nodes[plan.data].fingerprint.clone()
    };
    assert_ne!(of(None), of(Some("00")));
    let sha256 = &config.datasets["cifar10"].source.archive().unwrap().sha256;
    assert_eq!(of(None), of(Some(sha256)), "a copy of the official archive is the official archive");
    let noise = format!("datasets.cifar10.noise={{kind=\"file\",path=\"l.txt\",sha256=\"{}\"}}", "0".repeat(64));
    let with_labels = load(&[&noise]);
    assert!(plan(&with_labels, &config, Some(sha256), &[]).is_ok());
    let message = plan(&with_labels, &config, Some("00"), &[]).unwrap_err().to_string();
    assert!(message.contains("`l.txt`") && message.contains("order"), "{message}");
}

#[test]
fn a_seed_concerns_its_own_cells() {
    let (one, more) = (load(&["seeds=[0]"]), load(&["seeds=[7,0]"]));
    let (one, more) = (fingerprints(&one, StageKind::Train), fingerprints(&more, StageKind::Train));
    for (cell, fingerprint) in &one {
        assert_eq!(more[cell], *fingerprint);
        assert_ne!(more[&cell.replace("seed0", "seed7")], *fingerprint);
    }
}

#[test]
fn what_does_not_decide_results_is_no_part() {
    let file = "initializations.imagenet.files.resnet50";
    let sets = [
        "note=other",
        "run.device=cpu",
        "run.jobs=7",
        "run.threads=3",
        "run.keep_going=false",
        "run.offline=true",
        "datasets.cifar10.source.url=\"http://localhost/x\"",
        "datasets.cifar10.source.mirrors=[]",
        "datasets.cifar10.source.bytes=1",
        "paper.title=other",
        "paper.year=1999",
        "tables.table2.caption=other",
        "tables.table2.number=other",
        "paper.tables.table3/resnet50/imagenet.fpl.top5_pct=1.0",
        "paper.findings=[]",
        "figures.samples_per_class=3",
        "figures.curves=[]",
        "figures.example=table2/resnet18/random/ce",
        "paper.setup.gpu=other",
        &format!("{file}.url=\"http://localhost/resnet50-0676ba61.pth\""),
        &format!("{file}.mirrors=[\"http://localhost/x\"]"),
        &format!("{file}.bytes=1"),
        &format!("{file}.path=/nowhere"),
    ];
    for set in sets {
        assert_eq!(changed(set), BTreeSet::new(), "{set}");
    }
}

#[test]
fn order_of_keys_comments_and_spelling_of_numbers_are_no_part() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("pipeline.toml")).unwrap();
    // Written by a program: keys sorted, no comments.
    let table: toml::Table = text.parse().unwrap();
    let sorted = toml::to_string(&table).unwrap();
    assert!(!sorted.contains("# ") && sorted != text);
    let spelt = text.replace("lr = 0.001,", "lr = 1e-3,").replace("eps = 1e-6", "eps = 0.000_001");
    assert_ne!(spelt, text);
    for (name, text) in [("sorted", sorted), ("spelt", spelt)] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pipeline.toml");
        std::fs::write(&file, text).unwrap();
        std::fs::copy(root.join("paper.toml"), dir.path().join("paper.toml")).unwrap();
        let config = config::load(&file, None, &[]).unwrap().config;
        let stage = StageKind::Train;
        assert_eq!(fingerprints(&config, stage), fingerprints(&load(&[]), stage), "{name}");
    }
}

/// Every field of a job, however deep, but for `place`, `device` and `threads`, stands in the fingerprint's fields.
#[test]
fn what_a_worker_is_sent_is_what_is_hashed() {
    let path = || PathBuf::from("somewhere");
    let plan = plan(&load(&[]), &config::shipped().unwrap(), None, &[]).unwrap();
    for cell in &plan.cells {
        let train = TrainJob {
            training: cell.training.clone(),
            place: TrainPlace { data: path(), weights: Some(path()), labels: Some(path()), work: path(), out: path() },
            device: "cpu".into(),
            threads: 1,
        };
        let evaluate = EvaluateJob {
            evaluation: cell.training.evaluation(),
            place: EvaluatePlace { data: path(), weights: path(), out: path() },
            device: "cpu".into(),
            threads: 1,
        };
        let sent = [serde_json::to_value(train).unwrap(), serde_json::to_value(evaluate).unwrap()];
        for (mut job, (what, node)) in sent.into_iter().zip([("training", cell.train), ("evaluation", cell.evaluate)]) {
            let job = job.as_object_mut().unwrap();
            job.remove("device").unwrap();
            job.remove("threads").unwrap();
            let place = job.remove("place").unwrap();
            let paths = place.as_object().unwrap().values().all(|value| *value == "somewhere");
            assert!(paths, "a place holds paths, whose content is hashed: {place}");
            let hashed = serde_json::json!({ what: plan.nodes[node].identity()["fields"] });
            assert_eq!(serde_json::to_value(&job).unwrap(), hashed, "{}", cell.id);
        }
    }
}

/// If these change, users lose their caches: results of days are made again. Only a deliberate new version of a stage,
/// or a new field that decides results, may change them.
#[test]
fn the_papers_cells_have_these_fingerprints() {
    let config = load(&["seeds=[0]"]);
    let (train, evaluate) = (fingerprints(&config, StageKind::Train), fingerprints(&config, StageKind::Evaluate));
    let pinned = [
        (
            "table2/efficientnetv2-s/random/ce/seed0",
            "cd328c20f85b1adfb1418022b9c8dd46c20d8073bc642ba3e825fe99dcab4ce4",
            "843eee09c0d5a245665e7a7c5a9ebc274856b921f10f4fb71a91bdda539a459b",
        ),
        (
            "table2/efficientnetv2-s/random/fpl/seed0",
            "cae31b77b3f7a1f5162809342f2e771f41542497ea940c50fb5ba5501cbcb391",
            "df896b6509f476b81dc5d24fadfb9a4807857f6b3b3e55d715afc1b58d9575f2",
        ),
        (
            "table2/resnet18/random/ce/seed0",
            "f45bf7ab7edd0809e8d4c297e89d1f23e0487404fefea8933dc2d6a29b59cb31",
            "2aa790953df66afc9dd3f029e55632c2e0416c7e6a3044f6ed6867e9524b3aae",
        ),
        (
            "table2/resnet18/random/fpl/seed0",
            "5644c7b135494b0962b831dfb3069bc9388dfdf12887a23d1dd3c645b0e71b3c",
            "633196a2c8bdc3d4610e04b02ccb507e1c97c10b6e4b48c8031b3af2ab298659",
        ),
        (
            "table3/resnet50/imagenet/ce/seed0",
            "cdc8dfd5760eabd4507556cbf621df76bdea52f9a9673db74f086e28484dfc33",
            "eb46208fe5e226060cbcd5d2e17184fb0f1f2ef7c0aa03e8436cba8bda5b59c3",
        ),
        (
            "table3/resnet50/imagenet/fpl/seed0",
            "1141a76ede1cedb4e7a5988bec8713a4f11dd226478d270ad43b658ba650617f",
            "258f054e5ae47161ee9d43062f3c5811c2612599e7b081a8c4f9c802fca332e2",
        ),
        (
            "table3/resnet50/random/ce/seed0",
            "eb99a9df0db776747c3c5ce63e04354101a130cf97276eec62c6f4dbd8da6ee2",
            "70fd1d0528111b9bd13ce8e7dee7a74a9848538142442ca339fdddd15fe03eb3",
        ),
        (
            "table3/resnet50/random/fpl/seed0",
            "a078d6ea1fd36cd27deec06b9c7b420eab67b85728ed7ea8c8d2d2dd8ca98d4e",
            "96bed775d7215471bff3f0ee07901dceb59c0f37fb547af8eb069140846b1065",
        ),
    ];
    let found: Vec<(&str, &str, &str)> =
        train.iter().map(|(cell, train)| (cell.as_str(), train.as_str(), evaluate[cell].as_str())).collect();
    assert_eq!(found, pinned);
    let plan = plan(&config, &config, None, &[]).unwrap();
    assert_eq!(
        plan.nodes[plan.data].fingerprint.as_str(),
        "4e2af5147e69df54512ca1a8735cbd6fbf2076faa2928d1b21d3500669fd9ce1"
    );
}

/// JSON whose objects keep the order of their keys.
#[derive(Debug, Clone)]
enum Json {
    Plain(Value),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    fn text(&self, reversed: bool) -> String {
        match self {
            Self::Plain(value) => value.to_string(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(|item| item.text(reversed)).collect::<Vec<_>>().join(" ,\n"))
            }
            Self::Object(map) => {
                let mut fields: Vec<String> = map
                    .iter()
                    .map(|(key, value)| format!("{} : {}", Value::String(key.clone()), value.text(reversed)))
                    .collect();
                if reversed {
                    fields.reverse();
                }
                format!("{{{}}}", fields.join(","))
            }
        }
    }
}

fn json() -> impl Strategy<Value = Json> {
    let plain = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinity", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::Null),
    ]
    .prop_map(Json::Plain);
    plain.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::List),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Json::Object),
        ]
    })
}

proptest! {
    #[test]
    fn the_order_of_keys_does_not_matter(json in json()) {
        let parse = |reversed| serde_json::from_str::<Value>(&json.text(reversed)).unwrap();
        prop_assert_eq!(canonical(&parse(false)), canonical(&parse(true)));
        prop_assert_eq!(Fingerprint::of(&parse(false)), Fingerprint::of(&parse(true)));
        // Nothing is lost: the canonical form parses to the same value.
        prop_assert_eq!(serde_json::from_str::<Value>(&canonical(&parse(false))).unwrap(), parse(false));
    }
}
