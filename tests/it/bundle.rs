//! Bundles: verified anywhere, and every change found.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::{Compression, write::GzEncoder};
use fpl_repro::bundle::{self, Archive, CONFIG, CRATE, Fault, Files, MANIFEST, Packing, REPORT};
use fpl_repro::fs::sha256_bytes;
use fpl_repro::report::derived::Derived;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::{CE, FPL, Output, Project, skip};

/// A project with a bundle of its results.
fn bundled() -> (Project, PathBuf) {
    let project = Project::finished();
    project.ok(&["bundle"]);
    let path = project.root.join("reports/test/fpl-repro-test.tar.gz");
    (project, path)
}

fn archive() -> Archive {
    Archive::read(&bundled().1).unwrap()
}

/// Runs the program where there is nothing else.
fn run_in(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_fpl-repro")).current_dir(folder).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// How far whoever changed a file went to hide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repair {
    Nothing,
    Listing,
    ListingAndCrate,
}

/// Verifies after a file's content was replaced.
fn verify_with(archive: &Archive, name: &str, bytes: Vec<u8>, repair: Repair) -> Result<bundle::Verified, Fault> {
    let mut changed = archive.clone();
    let before = changed.files.insert(name.to_owned(), bytes).unwrap();
    if repair == Repair::ListingAndCrate && name != CRATE {
        let metadata = String::from_utf8(changed.files[CRATE].clone()).unwrap();
        let metadata = metadata.replace(&sha256_bytes(&before), &sha256_bytes(&changed.files[name]));
        changed.files.insert(CRATE.to_owned(), metadata.into_bytes());
    }
    if repair != Repair::Nothing && name != MANIFEST {
        relist(&mut changed.files);
    }
    bundle::verify(&changed)
}

fn relist(files: &mut Files) {
    let listing = bundle::Listing::of(files);
    files.insert(MANIFEST.to_owned(), serde_json::to_vec_pretty(&listing).unwrap());
}

/// Changes a digit of a text, or any byte of another file.
fn change(bytes: &[u8], random: &mut ChaCha8Rng) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0);
    let places: Vec<usize> = (0..bytes.len()).filter(|&at| !text || bytes[at].is_ascii_digit()).collect();
    let at = *places.get(random.next_u64() as usize % places.len().max(1))?;
    let mut changed = bytes.to_vec();
    let step = 1 + (random.next_u64() % 9) as u8;
    changed[at] = if text { b'0' + (bytes[at] - b'0' + step) % 10 } else { bytes[at] ^ step };
    Some(changed)
}

/// A copy of the JSON file with a value replaced.
fn with(files: &Files, name: &str, pointer: &str, value: Value) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(&files[name]).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    serde_json::to_vec_pretty(&json).unwrap()
}

// --- Made and verified -------------------------------------------------------------------------------------------------

#[test]
fn a_bundle_verifies_where_there_is_nothing_else() {
    let (project, path) = bundled();
    let empty = tempfile::tempdir().unwrap();
    fs::copy(&path, empty.path().join("b.tar.gz")).unwrap();
    let output = run_in(empty.path(), &["verify", "b.tar.gz"]);
    assert_eq!(output.code, 0, "{output:#?}");
    // Two cells of 20 images: `PROFILE` of the tests' support.
    for words in ["2 of 2 cells", "20 images per cell", "claims: ", "equal byte for byte", "sha256 "] {
        output.says(words);
    }
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 1, "nothing is written");

    let first = fs::read(&path).unwrap();
    project.ok(&["bundle", "-o", "again.tar.gz"]);
    assert_eq!(fs::read(project.root.join("again.tar.gz")).unwrap(), first, "equal content, equal bytes");
}

#[test]
fn the_bundle_holds_the_report_and_the_evidence_and_no_weights() {
    let (project, path) = bundled();
    let archive = Archive::read(&path).unwrap();
    let published = fpl_repro::fs::files_below(&project.root.join("reports/test")).unwrap();
    for file in published.iter().map(|file| file.display().to_string()) {
        if file != "manifest.json" && !file.ends_with(".tar.gz") {
            assert_eq!(
                archive.files[&format!("{REPORT}{file}")],
                fs::read(project.root.join("reports/test").join(&file)).unwrap()
            );
        }
    }
    for cell in [FPL, CE] {
        assert_eq!(archive.files[&format!("evidence/cells/{cell}/predictions.bin")].len(), 20);
        assert_eq!(archive.files[&format!("evidence/cells/{cell}/probabilities.bin")].len(), 160);
    }
    assert_eq!(archive.files["evidence/labels.bin"].len(), 20);
    assert!(!archive.files.keys().any(|name| name.ends_with(".safetensors") || name.ends_with("test.bin")));
    assert_eq!(archive.packing, Packing::Own);
}

#[test]
fn missing_cells_are_said_and_nothing_is_trained() {
    let project = Project::new();
    let output = project.ok(&["bundle"]);
    output.says("0 of 2 cells have results");
    assert!(!project.cache().join("train").exists());
    let output = project.raw(&["verify", "reports/test/fpl-repro-test.tar.gz"]);
    assert_eq!(output.code, 0, "{output:#?}");
}

// --- Changed and found -------------------------------------------------------------------------------------------------

#[test]
fn any_changed_digit_is_found_and_its_file_named() {
    let archive = archive();
    bundle::verify(&archive).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(2023);
    let mut tried = 0;
    for (name, bytes) in &archive.files {
        let rendered = name.starts_with(REPORT);
        for repair in [Repair::Nothing, Repair::Listing, Repair::ListingAndCrate] {
            // What decides no result, as an address, stands in the configuration only: see the module's documentation.
            if name == CONFIG && repair == Repair::ListingAndCrate {
                continue;
            }
            for _ in 0..if rendered { 1 } else { 4 } {
                let Some(changed) = change(bytes, &mut random) else { continue };
                // Neither does the recorded size of a file that is not in the bundle, nor how often a stage was resumed.
                let at = changed.iter().zip(bytes).take_while(|(a, b)| a == b).count();
                let line = String::from_utf8_lossy(bytes[..at].rsplit(|&byte| byte == b'\n').next().unwrap());
                if ["\"bytes\":", "\"resumed\":"].iter().any(|key| line.contains(key))
                    && repair == Repair::ListingAndCrate
                {
                    continue;
                }
                tried += 1;
                let found = verify_with(&archive, name, changed, repair);
                let fault = found
                    .map_or_else(|fault| fault.to_string(), |_| panic!("{name}: not found ({repair:?}): {line:?}"));
                assert!(names(&fault, name, bytes.len(), repair), "{name}: {fault}");
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

/// Whether a fault names the changed file, or the number that it disagrees with.
fn names(fault: &str, name: &str, size: usize, repair: Repair) -> bool {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let cell = folder.starts_with("evidence/cells/") && fault.contains(folder);
    // Labels, one byte for each of 20 images, are seen in the first cell that they contradict.
    let labels = size == 20 && fault.contains("evidence/cells/");
    let configuration = name == CONFIG && fault.contains("report/report.json: ");
    // The metadata repeat what manifests record, and that was not repaired.
    let repeated = repair == Repair::ListingAndCrate && fault.contains(CRATE) && fault.contains("says `");
    fault.contains(name) || name == MANIFEST || cell || labels || configuration || repeated
}

#[track_caller]
fn says(found: Result<bundle::Verified, Fault>, words: &[&str]) {
    let fault = found.map_or_else(|fault| fault.to_string(), |_| panic!("not found: {words:?}"));
    for word in words {
        assert!(fault.contains(word), "no `{word}` in: {fault}");
    }
}

#[test]
fn the_first_number_that_does_not_follow_is_named() {
    let archive = archive();
    let files = &archive.files;
    let report: Value = serde_json::from_slice(&files["report/report.json"]).unwrap();
    let all = Repair::ListingAndCrate;
    let told = |pointer: &str, value: Value| {
        verify_with(&archive, "report/report.json", with(files, "report/report.json", pointer, value), all)
    };
    says(
        told("/cells/1/scores/top1_pct", json!(99.5)),
        &["report/report.json", "cells[1].scores.top1_pct: says 99.5, follows "],
    );
    says(told("/cells/0/metrics/1/train_loss", json!(0.25)), &["cells[0].metrics[1].train_loss: says 0.25, follows "]);
    says(told("/cells/0/deviations", json!([])), &["cells[0].deviations[0]: says nothing, follows \"data"]);
    says(told("/cells/0/environment/host", json!("elsewhere")), &["cells[0].environment.host"]);
    says(
        told("/paper/tables/table2~1resnet18~1random/ce/false_positives/0", json!(1)),
        &["paper.tables.table2", "says 1, follows 411"],
    );
    says(told("/dataset/genuine", json!(true)), &["dataset.genuine: says true, follows false"]);
    let index = report["example"]["index"].as_u64().unwrap();
    says(told("/example/index", json!(index + 1)), &["example."]);

    let scores = format!("evidence/cells/{FPL}/scores.json");
    says(
        verify_with(&archive, &scores, with(files, &scores, "/confusion/0/0", json!(77)), all),
        &[&scores, "confusion[0][0]: says 77, follows "],
    );
    let html = String::from_utf8(files["report/report.html"].clone()).unwrap();
    let top1 = format!("{:.2}", report["cells"][0]["scores"]["top1_pct"].as_f64().unwrap());
    let changed = html.replacen(&top1, "12.34", 1);
    assert_ne!(html, changed);
    says(
        verify_with(&archive, "report/report.html", changed.into_bytes(), all),
        &["report/report.html: line ", "12.34", &top1],
    );
    let predictions = format!("evidence/cells/{CE}/predictions.bin");
    let mut bytes = files[&predictions].clone();
    bytes[7] = 0xff;
    says(verify_with(&archive, &predictions, bytes, all), &[&predictions, "test image 7 is impossible"]);
}

/// Scores and report made to fit changed predictions: the evaluation's manifest knows other files.
#[test]
fn changed_predictions_do_not_fit_the_manifest() {
    let mut archive = archive();
    let labels = archive.files["evidence/labels.bin"].clone();
    let path = |name: &str| format!("evidence/cells/{FPL}/{name}");
    let right: Vec<fpl_repro::scores::Prediction> = labels
        .iter()
        .map(|&label| fpl_repro::scores::Prediction { class: label, rank: 0, p_true: 0.5, p_false: 0.25 })
        .collect();
    let scores = fpl_repro::scores::of_predictions(&right, &labels, 10);
    archive.files.insert(path("predictions.bin"), fpl_repro::scores::to_bytes(&right, 10));
    archive.files.insert(path("probabilities.bin"), fpl_repro::scores::probabilities_to_bytes(&right));
    archive.files.insert(path("scores.json"), serde_json::to_vec_pretty(&scores).unwrap());
    relist(&mut archive.files);
    says(bundle::verify(&archive), &["metrics.jsonl: line 2: test_top1_pct: says ", "follows 100"]);
    let metrics = String::from_utf8(archive.files[&path("metrics.jsonl")].clone()).unwrap();
    let metrics: Vec<String> = metrics
        .lines()
        .map(|line| {
            let mut line: fpl_repro::artifact::EpochMetrics = serde_json::from_str(line).unwrap();
            (line.test_top1_pct, line.test_top5_pct) = (100.0, 100.0);
            serde_json::to_string(&line).unwrap() + "\n"
        })
        .collect();
    archive.files.insert(path("metrics.jsonl"), metrics.concat().into_bytes());
    let mut report: Value = serde_json::from_slice(&archive.files["report/report.json"]).unwrap();
    let cell = report["cells"].as_array_mut().unwrap().iter_mut().find(|cell| cell["id"] == FPL).unwrap();
    cell["scores"] = serde_json::to_value(&scores).unwrap();
    cell["metrics"] = metrics.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    report["example"] = Value::Null;
    let input: fpl_repro::report::input::ReportInput = serde_json::from_value(report).unwrap();
    let figures = fpl_repro::report::figures(&input).unwrap();
    archive.files.retain(|name, _| !name.starts_with(REPORT));
    for (name, bytes) in fpl_repro::report::files(&Derived::new(&input), &figures).unwrap() {
        archive.files.insert(format!("{REPORT}{name}"), bytes);
    }
    relist(&mut archive.files);
    says(bundle::verify(&archive), &["its sha256 is ", "manifest.json recorded "]);
}

/// Of a bundle from another version numbers are checked, and it is said that the rest is not.
#[test]
fn what_another_version_rendered_is_not_compared_but_its_numbers_are() {
    let mut archive = archive();
    let name = "evidence/report-manifest.json";
    let mut manifest: fpl_repro::artifact::Manifest = serde_json::from_slice(&archive.files[name]).unwrap();
    let version = manifest.identity["version"].as_u64().unwrap() + 1;
    manifest.identity["version"] = json!(version);
    manifest.fingerprint = fpl_repro::fingerprint::Fingerprint::of(&manifest.identity).to_string();
    let manifest = fpl_repro::store::sealed(manifest);
    let before = sha256_bytes(&archive.files[name]);
    archive.files.insert(name.to_owned(), serde_json::to_vec_pretty(&manifest).unwrap());
    let metadata = String::from_utf8(archive.files[CRATE].clone()).unwrap();
    let metadata = metadata.replace(&before, &sha256_bytes(&archive.files[name]));
    archive.files.insert(CRATE.to_owned(), metadata.into_bytes());
    relist(&mut archive.files);
    let verified = bundle::verify(&archive).unwrap();
    assert!(verified.rendered.is_none() && verified.verdicts.is_empty());
    assert!(verified.notes[0].contains(&format!("version {version} of `report`")), "{:?}", verified.notes);
    let changed = with(&archive.files, "report/report.json", "/cells/0/scores/top1_pct", json!(99.5));
    says(verify_with(&archive, "report/report.json", changed, Repair::ListingAndCrate), &["cells[0].scores.top1_pct"]);
}

// --- Archives that are not ours ----------------------------------------------------------------------------------------

fn gzip(tar: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

/// An archive of entries with a type, a name and a content, whatever they are.
fn raw(entries: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    gzip(&builder.into_inner().unwrap())
}

#[test]
fn an_archive_that_is_not_plain_is_refused() {
    use tar::EntryType::{Regular, Symlink};
    let refused = |bytes: &[u8], words: &str| {
        let message = Archive::from_bytes(bytes, "b").unwrap_err();
        assert!(message.contains(words), "no `{words}` in: {message}");
    };
    let good = fs::read(bundled().1).unwrap();
    for cut in [0, 5, 100, good.len() / 2, good.len() - 1] {
        assert!(Archive::from_bytes(&good[..cut], "b").is_err(), "cut at {cut}");
    }
    refused(&good[..good.len() / 2], "cut off");
    refused(&[&good[..], b"more"].concat(), "4 bytes follow its end");
    refused(b"no archive", "no .tar.gz");
    refused(&raw(&[(Regular, "../outside", b"x")]), "leads out of the archive");
    refused(&raw(&[(Regular, "/etc/outside", b"x")]), "leads out of the archive");
    refused(&raw(&[(Symlink, "link", b"")]), "no plain file");
    refused(&raw(&[(Regular, "twice", b"a"), (Regular, "twice", b"b")]), "`twice` twice");
    // 600 MB of zeros are a few hundred kB, compressed.
    refused(&gzip(&vec![0; 600 << 20]), "unpacks to more");
}

/// Other programs that pack the same files write a name and a time into gzip's header. The files decide, and the digest of
/// the published archive is told all the same.
#[test]
fn an_archive_that_another_program_packed_holds_and_is_said_to_be_one() {
    use std::io::Write;
    let good = fs::read(bundled().1).unwrap();
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&good[..]), &mut tar).unwrap();
    let builder = flate2::GzBuilder::new().filename("b.tar").mtime(1);
    let mut encoder = builder.write(Vec::new(), Compression::fast());
    encoder.write_all(&tar).unwrap();
    let mut archive = Archive::from_bytes(&encoder.finish().unwrap(), "b").unwrap();
    let notes = bundle::verify(&archive).unwrap().notes;
    let sha256 = fpl_repro::fs::sha256_bytes(&good);
    assert!(notes.iter().any(|note| note.contains("another program") && note.contains(&sha256)), "{notes:?}");
    let changed = with(&archive.files, "report/report.json", "/cells/0/scores/top1_pct", json!(99.5));
    archive.files.insert("report/report.json".to_owned(), changed);
    says(bundle::verify(&archive), &["cells[0].scores.top1_pct"]);
}

#[test]
fn a_bundle_holds_unpacked_too() {
    let (project, path) = bundled();
    let folder = project.root.join("unpacked");
    for (name, bytes) in &archive().files {
        fpl_repro::fs::write_atomic(&folder.join(name), bytes).unwrap();
    }
    let output = project.raw(&["verify", "unpacked"]);
    assert_eq!(output.code, 0, "{output:#?}");
    output.says(&format!("sha256 {}", fpl_repro::fs::sha256_file(&path).unwrap()));
    output.says("note: a folder");
    assert_eq!(project.raw(&["claims", "unpacked"]).code, 0);
    fs::write(folder.join("more.txt"), "1").unwrap();
    let output = project.raw(&["verify", "unpacked"]);
    assert_eq!(output.code, 1);
    output.says("more.txt");
    let _ = fs::remove_dir_all(&folder);
}

#[test]
fn missing_and_extra_files_and_another_layout_are_named() {
    let archive = archive();
    for name in archive.files.keys() {
        let mut less = archive.clone();
        less.files.remove(name);
        says(bundle::verify(&less), &[name, "is missing"]);
        if name != MANIFEST && !name.ends_with("origin.json") {
            relist(&mut less.files);
            assert!(bundle::verify(&less).is_err(), "{name}");
        }
    }
    for extra in ["more.txt", "evidence/cells/more.bin", "report/more.html"] {
        let mut more = archive.clone();
        more.files.insert(extra.to_owned(), b"1".to_vec());
        says(bundle::verify(&more), &[extra, "not in MANIFEST.json"]);
        relist(&mut more.files);
        says(bundle::verify(&more), &[extra]);
    }
    let entries: Vec<(tar::EntryType, &str, &[u8])> =
        archive.files.iter().map(|(name, bytes)| (tar::EntryType::Regular, name.as_str(), bytes.as_slice())).collect();
    let (entries, long): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(_, name, _)| name.len() < 100);
    assert!(long.is_empty());
    // The same files with another header: nothing could be hidden there.
    let again = Archive::from_bytes(&raw(&entries.into_iter().rev().collect::<Vec<_>>()), "b").unwrap();
    assert_eq!(again.files, archive.files);
    assert!(bundle::verify(&again).unwrap().notes.iter().any(|note| note.contains("another program")));
}

#[test]
fn a_changed_bundle_ends_with_1_and_nothing_else_is_taken_for_one() {
    let (project, path) = bundled();
    let mut archive = Archive::read(&path).unwrap();
    let html = String::from_utf8(archive.files["report/report.md"].clone()).unwrap();
    archive.files.insert("report/report.md".to_owned(), html.replacen('5', "6", 1).into_bytes());
    relist(&mut archive.files);
    fs::write(project.root.join("changed.tar.gz"), bundle::pack(&archive.files).unwrap()).unwrap();
    let output = project.raw(&["verify", "changed.tar.gz"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("`changed.tar.gz`: report/report.md: line ");
    assert_eq!(project.raw(&["verify", "nowhere.tar.gz"]).code, 2);
    let output = project.raw(&["verify", "pipeline.toml"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("no .tar.gz that can be read");
}

// --- RO-Crate ----------------------------------------------------------------------------------------------------------

/// Entities of the metadata by their id.
fn entities(files: &Files) -> BTreeMap<String, Value> {
    let metadata: Value = serde_json::from_slice(&files[CRATE]).unwrap();
    let graph = metadata["@graph"].as_array().unwrap().clone();
    let count = graph.len();
    let by_id: BTreeMap<String, Value> =
        graph.into_iter().map(|entity| (entity["@id"].as_str().unwrap().to_owned(), entity)).collect();
    assert_eq!(by_id.len(), count, "an id is there twice");
    by_id
}

/// What RO-Crate 1.1 and the run profiles 0.5 require, and that every reference leads somewhere.
#[test]
fn the_metadata_are_a_workflow_run_crate() {
    let archive = archive();
    let entities = entities(&archive.files);
    let root = &entities["./"];
    assert_eq!(entities[CRATE]["about"]["@id"], "./");
    assert_eq!(entities["README.md"]["about"]["@id"], "./");
    let lists_of_one = |entity: &&Value| {
        let is = |value: &Value| value.as_array().is_some_and(|list| list.len() == 1);
        entity.as_object().unwrap().values().any(is)
    };
    assert_eq!(entities.values().find(lists_of_one), None);
    for profile in ["process/0.5", "workflow/0.5"] {
        let profile = json!({ "@id": format!("https://w3id.org/ro/wfrun/{profile}") });
        assert!(root["conformsTo"].as_array().unwrap().contains(&profile));
    }
    for key in ["name", "description", "datePublished", "license"] {
        assert!(!root[key].is_null(), "{key}");
    }
    let parts: Vec<&str> =
        root["hasPart"].as_array().unwrap().iter().map(|part| part["@id"].as_str().unwrap()).collect();
    for (name, bytes) in archive.files.iter().filter(|(name, _)| *name != CRATE) {
        assert!(parts.contains(&name.as_str()), "{name} is no part");
        if name != MANIFEST {
            assert_eq!(entities[name]["sha256"], sha256_bytes(bytes), "{name}");
            assert_eq!(entities[name]["contentSize"], bytes.len().to_string(), "{name}");
        }
    }
    let main = &entities[root["mainEntity"]["@id"].as_str().unwrap()];
    assert!(main["@type"].as_array().unwrap().contains(&json!("ComputationalWorkflow")));
    let actions: Vec<&Value> = entities.values().filter(|entity| entity["@type"] == "CreateAction").collect();
    // Data, two cells trained and evaluated, figures, report; and the whole.
    assert_eq!(actions.len(), 8);
    for action in actions {
        for key in ["name", "instrument", "startTime", "endTime", "actionStatus"] {
            assert!(!action[key].is_null(), "{key} of {action}");
        }
        // RO-Crate 1.1, "Common principles": a value, and no list of one.
        let links = |key: &str| match &action[key] {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        };
        let linked = ["object", "result"].into_iter().flat_map(links);
        for link in linked.chain([&action["instrument"]]) {
            assert!(entities.contains_key(link["@id"].as_str().unwrap()), "{link} leads nowhere");
        }
    }
}

#[test]
fn authors_and_address_are_in_the_crate_and_hold() {
    let project = Project::finished();
    let author = ["--author", "Ada Lovelace <https://orcid.org/0000-0002-1825-0097>", "--author", "Charles Babbage"];
    let args = [&["bundle", "-o", "b.tar.gz", "--url", "https://doi.org/10.5281/zenodo.1"], &author[..]].concat();
    project.ok(&args);
    let archive = Archive::read(&project.root.join("b.tar.gz")).unwrap();
    bundle::verify(&archive).unwrap();
    let metadata: Value = serde_json::from_slice(&archive.files[CRATE]).unwrap();
    let entity =
        |id: &str| metadata["@graph"].as_array().unwrap().iter().find(|entity| entity["@id"] == id).unwrap().clone();
    let ada = "https://orcid.org/0000-0002-1825-0097";
    assert_eq!(entity(ada)["name"], "Ada Lovelace");
    assert_eq!(entity("./")["author"], json!([{ "@id": ada }, { "@id": "#author-2" }]));
    assert_eq!(entity("./")["url"], "https://doi.org/10.5281/zenodo.1");
    assert_eq!(entity("#run")["agent"], json!({ "@id": ada }));
    let readme = String::from_utf8(archive.files["README.md"].clone()).unwrap();
    assert!(readme.contains("2 of 2 cells have results"), "{readme}");
    for wrong in ["--author=<https://orcid.org/0>", "--author=Ada <mailto:a@b.c>", "--url=here"] {
        let output = project.run(&["bundle", wrong]);
        assert_eq!(output.code, 2, "{output:#?}");
    }
}

/// `sha256sum --check` of coreutils reads the digests.
#[test]
fn weights_go_into_an_archive_of_their_own() {
    let project = Project::finished();
    project.ok(&["bundle", "--weights", "weights.tar"]).says("weights of 2 cells");
    let (folder, archive) = (project.root.join("w"), project.root.join("weights.tar"));
    fs::create_dir(&folder).unwrap();
    assert!(Command::new("tar").arg("-xf").arg(&archive).current_dir(&folder).status().unwrap().success());
    let check = || Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&folder).output().unwrap();
    let output = check();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    let weights = fs::read(folder.join(format!("weights/{FPL}/weights.safetensors"))).unwrap();
    assert_eq!(weights, project.weights(FPL));
    // The digest is that of the manifest, which the bundle has.
    let bundle = Archive::read(&project.root.join("reports/test/fpl-repro-test.tar.gz")).unwrap();
    let manifest: Value =
        serde_json::from_slice(&bundle.files[&format!("evidence/cells/{FPL}/train-manifest.json")]).unwrap();
    assert_eq!(manifest["outputs"]["weights.safetensors"]["sha256"], sha256_bytes(&weights));
    let before = fs::read(&archive).unwrap();
    project.ok(&["bundle", "--weights", "weights.tar"]);
    assert!(fs::read(&archive).unwrap() == before, "the same weights, the same bytes");
}

/// With `rocrate-validator` (PyPI: roc-validator) on the PATH. Without a network, `ROCRATE_CACHE` names a cache that
/// `scripts/rocrate-cache.py` filled.
#[test]
fn the_validator_accepts_the_crate() {
    if Command::new("rocrate-validator").arg("--version").output().is_err() {
        skip("`rocrate-validator` is not installed (pip install roc-validator)");
        return;
    }
    let archive = archive();
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &archive.files {
        fpl_repro::fs::write_atomic(&folder.path().join("crate").join(name), bytes).unwrap();
    }
    for profile in ["process-run-crate-0.5", "workflow-run-crate-0.5"] {
        let mut command = Command::new("rocrate-validator");
        command.args(["-y", "validate", "--no-paging", "-v", "-l", "required", "-p", profile]);
        if let Some(cache) = std::env::var_os("ROCRATE_CACHE") {
            command.args(["--offline", "--cache-path"]).arg(cache);
        }
        let output = command.arg("crate").current_dir(folder.path()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.contains("URLError") || text.contains("not available in the HTTP cache") {
            skip("the validator needs a network, or `ROCRATE_CACHE`");
            return;
        }
        assert!(output.status.success(), "{profile}: {text}");
    }
}

// --- Imported ----------------------------------------------------------------------------------------------------------

fn report(project: &Project) -> Value {
    serde_json::from_slice(&fs::read(project.root.join("reports/test/report.json")).unwrap()).unwrap()
}

/// The bundle's file name in the origin of every cell, in the report's order.
fn origins(project: &Project) -> Vec<Option<String>> {
    let report = report(project);
    let cells = report["cells"].as_array().unwrap().iter();
    cells.map(|cell| cell["origin"]["file"].as_str().map(str::to_owned)).collect()
}

#[test]
fn imported_cells_are_shown_marked_and_not_trained() {
    let (finished, path) = bundled();
    let project = Project::new();
    project.ok(&["bundle"]); // A report without cells, which is to be stale afterwards.
    let bundle = path.to_str().unwrap();
    let output = project.ok(&["import", bundle]);
    output.says("2 cells brought in, 0 left out; 2 are cells of profile test");
    let states: Vec<Value> = project.status(&[]).into_iter().filter(|entry| entry["stage"] == "evaluate").collect();
    assert!(states.iter().all(|entry| entry["state"] == "imported"), "{states:#?}");
    assert!(project.ok(&["plan"]).stdout.contains("2 imported"));
    project.ok(&["why", FPL]).says("imported from `fpl-repro-test.tar.gz`");

    let output = project.ok(&["all"]);
    output.says("imported: 2 cells");
    let ran: Vec<String> = output.ran().into_iter().collect();
    assert_eq!(ran, ["fetch data generated", "plot test", "report test"]);
    assert_eq!(origins(&project), vec![Some("fpl-repro-test.tar.gz".to_owned()); 2]);
    let (here, there) = (report(&project), report(&finished));
    for index in 0..2 {
        for key in ["scores", "metrics", "environment", "seconds", "fingerprint"] {
            assert_eq!(here["cells"][index][key], there["cells"][index][key], "{key}");
        }
    }
    project.ok(&["verify"]);
    project.ok(&["gc"]);
    assert!(project.ok(&["all"]).ran().is_empty(), "gc keeps them");
    // Whoever asks for a training gets one, and what was made here counts.
    let output = project.ok(&["evaluate", "--cells", CE]);
    assert!(output.ran().contains(&format!("train {CE}")));
    project.ok(&["report"]);
    let of = |id: &str| {
        let report = report(&project);
        let cell = report["cells"].as_array().unwrap().iter().find(|cell| cell["id"] == id).unwrap().clone();
        cell["origin"]["file"].as_str().map(str::to_owned)
    };
    assert!(of(CE).is_none() && of(FPL).is_some());
}

#[test]
fn nothing_is_imported_twice_and_nothing_that_does_not_verify() {
    let (_made, path) = bundled();
    let project = Project::new();
    let bundle = path.to_str().unwrap();
    project.ok(&["import", bundle]);
    let entries = || fs::read_dir(project.cache().join("foreign")).unwrap().count();
    assert_eq!(entries(), 2);
    project.ok(&["import", bundle]).says("0 cells brought in, 2 left out");
    assert_eq!(entries(), 2);

    let other = Project::new();
    let mut archive = Archive::read(&path).unwrap();
    archive.files.get_mut(&format!("evidence/cells/{FPL}/predictions.bin")).unwrap()[0] ^= 1;
    relist(&mut archive.files);
    fs::write(other.root.join("changed.tar.gz"), bundle::pack(&archive.files).unwrap()).unwrap();
    let output = other.run(&["import", "changed.tar.gz"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("not imported, since it does not verify: evidence/cells/");
    assert!(!other.cache().join("foreign").exists());
}

/// All 20 test images have another fingerprint than "no limit", but give the same run.
#[test]
fn the_same_run_under_another_fingerprint_is_left_out() {
    let (_made, path) = bundled();
    let project = Project::new();
    project.ok(&["evaluate", "--cells", CE, "--set", "datasets.generated.test_limit=20"]);
    let output = project.ok(&["import", path.to_str().unwrap()]);
    output.says(&format!("{CE}: the same run is here under the fingerprint"));
    output.says("1 cells brought in, 1 left out");
}

#[test]
fn imported_cells_travel_on_with_their_origin() {
    let (_made, path) = bundled();
    let second = Project::new();
    second.ok(&["import", path.to_str().unwrap()]);
    // Without the data: labels and their manifest came with the bundle.
    let output = second.ok(&["bundle", "-o", "second.tar.gz"]);
    output.says("2 of them came from another bundle before");
    let again = Archive::read(&second.root.join("second.tar.gz")).unwrap();
    bundle::verify(&again).unwrap();
    assert_eq!(again.files["evidence/labels.bin"], Archive::read(&path).unwrap().files["evidence/labels.bin"]);
    let third = Project::new();
    third.ok(&["import", second.root.join("second.tar.gz").to_str().unwrap()]);
    third.ok(&["bundle"]);
    assert_eq!(origins(&third), vec![Some("fpl-repro-test.tar.gz".to_owned()); 2]);
    let sha256 = fpl_repro::fs::sha256_file(&path).unwrap();
    assert_eq!(report(&third)["cells"][0]["origin"]["bundle"], sha256);
    // A changed origin is found as everything else is.
    let name = format!("evidence/cells/{FPL}/origin.json");
    let changed = with(&again.files, &name, "/file", json!("mine.tar.gz"));
    says(verify_with(&again, &name, changed, Repair::ListingAndCrate), &["origin.file", "mine.tar.gz"]);
}

#[test]
fn gc_says_which_imported_cells_no_profile_uses() {
    let (_made, path) = bundled();
    let project = Project::new();
    fs::remove_file(project.root.join("profiles/test.toml")).unwrap();
    let quickstart = |args: &[&str]| project.raw(&[&["--profile", "quickstart"], args].concat());
    quickstart(&["import", path.to_str().unwrap()]).says("0 are cells of profile quickstart");
    let output = quickstart(&["gc"]);
    output.says("imported, and no profile uses it");
    assert_eq!(fs::read_dir(project.cache().join("foreign")).unwrap().count(), 2);
}

#[test]
fn diff_reads_bundles() {
    let (project, path) = bundled();
    let output = project.raw(&["diff", path.to_str().unwrap(), "reports/test"]);
    assert_eq!(output.code, 0, "{output:#?}");
    output.says("0 numbers moved, 22 equal");
    fs::write(project.root.join("no.tar.gz"), b"no archive").unwrap();
    let output = project.raw(&["diff", "no.tar.gz", "reports/test"]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("`no.tar.gz`: is no .tar.gz");
}
