//! A remote cache in a folder: what is brought and added, and that nothing is believed. `scripts/s3.sh` does it with S3.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{CE, FPL, Output, Project, flip};

/// A remote cache with everything that `all` makes.
pub(crate) struct Remote {
    pub(crate) folder: TempDir,
}

impl Remote {
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn full() -> Self {
        let remote = Self::empty();
        remote.ok(&Project::finished(), &["push"]).says("4 results pushed");
        remote
    }

    pub(crate) fn run(&self, project: &Project, args: &[&str]) -> Output {
        let url = format!("remote.url=file://{}", self.folder.path().display());
        project.run(&[args, &["--set", &url]].concat())
    }

    #[track_caller]
    pub(crate) fn ok(&self, project: &Project, args: &[&str]) -> Output {
        let output = self.run(project, args);
        assert_eq!(output.code, 0, "{args:?} {output:#?}");
        output
    }

    pub(crate) fn objects(&self, folder: &str) -> Vec<PathBuf> {
        fpl_repro::fs::entries(&self.folder.path().join(folder))
    }

    /// The object that holds a file.
    pub(crate) fn object(&self, file: &Path) -> PathBuf {
        self.folder.path().join("cas").join(fpl_repro::fs::sha256_file(file).unwrap())
    }
}

pub(crate) fn trained(output: &Output) -> usize {
    output.ran().iter().filter(|ran| ran.starts_with("train") || ran.starts_with("evaluate")).count()
}

#[test]
fn a_colleague_trains_nothing_that_is_there() {
    let (remote, theirs, ours) = (Remote::full(), Project::finished(), Project::new());
    assert_eq!(remote.objects("ac").len(), 4, "two cells, trained and evaluated");
    let names = remote.objects("cas").into_iter().map(|path| (fpl_repro::fs::name(&path), path));
    assert!(names.into_iter().all(|(name, path)| fpl_repro::fs::sha256_file(&path).unwrap() == name));
    let output = remote.ok(&ours, &["all", "--remote"]);
    assert_eq!(trained(&output), 0, "{output:#?}");
    for cell in [FPL, CE] {
        assert!(ours.weights(cell) == theirs.weights(cell));
    }
    ours.ok(&["verify"]);
    assert!(ours.ok(&["all"]).ran().is_empty(), "what was brought counts without the remote cache");
    remote.ok(&theirs, &["push"]).says("0 results pushed");
}

#[test]
fn what_is_made_is_added_unless_it_may_only_be_read() {
    let (remote, project) = (Remote::empty(), Project::new());
    let one = ["all", "--remote", "--cells", FPL];
    remote.ok(&project, &[&one[..], &["--set", "remote.read_only=true"]].concat());
    assert_eq!(remote.objects("ac").len(), 0);
    let refused = remote.run(&project, &["push", "--set", "remote.read_only=true"]);
    assert_eq!(refused.code, 2);
    refused.says("read-only");
    remote.ok(&project, &["work", "--remote"]);
    assert_eq!(remote.objects("ac").len(), 2, "the cell that was made just now");
    remote.ok(&project, &["push"]).says("2 results pushed");
    assert_eq!(remote.objects("ac").len(), 4);
}

#[test]
fn without_the_weights_the_report_is_the_same() {
    let (remote, theirs, ours) = (Remote::full(), Project::finished(), Project::new());
    remote.ok(&ours, &["pull", "--no-weights"]).says("4 results pulled");
    assert!(!ours.entry("train", FPL).join("weights.safetensors").exists());
    ours.ok(&["verify"]);
    let output = ours.ok(&["report"]);
    assert_eq!(trained(&output), 0, "{output:#?}");
    assert!(ours.status(&[]).iter().all(|entry| entry["state"] == "hit"));
    let data = |project: &Project| fs::read(project.root.join("reports/test/data/cells.csv")).unwrap();
    assert!(data(&ours) == data(&theirs));
    ours.ok(&["bundle"]);
    // The weights come when they are asked for.
    remote.ok(&ours, &["pull"]);
    assert!(ours.weights(FPL) == theirs.weights(FPL));
    ours.ok(&["verify"]);
}

#[test]
fn nothing_is_believed_for_its_name() {
    let (remote, theirs) = (Remote::full(), Project::finished());
    let weights = remote.object(&theirs.entry("train", FPL).join("weights.safetensors"));
    flip(&weights);
    let ours = Project::new();
    let output = remote.run(&ours, &["pull", "--cells", FPL]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("is not what its name says");
    output.says(&fpl_repro::fs::name(&weights));
    assert!(!ours.entry("train", FPL).exists());
    let downloads = fpl_repro::fs::entries(&ours.cache().join("downloads"));
    assert!(downloads.iter().all(|path| !path.display().to_string().contains("weights")), "{downloads:?}");
    // Whoever has the result adds the file again where it was removed, or has another size.
    for spoil in [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| fs::write(path, "short").unwrap()] {
        spoil(&weights);
        remote.ok(&theirs, &["push", "--cells", FPL]).says("1 result pushed");
        remote.ok(&Project::new(), &["pull", "--cells", FPL]).says("2 results pulled");
    }
    fs::remove_file(&weights).unwrap();
    let output = remote.run(&ours, &["pull", "--cells", FPL]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("is not there, though a manifest names it");
    // A run warns and makes it itself; of the others nothing is lost.
    let output = remote.ok(&ours, &["all", "--remote"]);
    output.says("made here instead");
    assert!(output.ran().contains(&format!("train {FPL}")) && !output.ran().contains(&format!("train {CE}")));
    assert!(ours.weights(FPL) == theirs.weights(FPL));

    // A manifest in the place of another, and one that was changed.
    let remote = Remote::full();
    let fingerprint = |cell: &str| fpl_repro::fs::name(&theirs.entry("train", cell));
    let place = |cell: &str| remote.folder.path().join("ac").join(fingerprint(cell));
    let other = fs::read(place(CE)).unwrap();
    fs::write(place(FPL), other).unwrap();
    let output = remote.run(&Project::new(), &["pull", "--cells", FPL]);
    assert_eq!(output.code, 1);
    output.says("belongs to another fingerprint");
    let text = fs::read_to_string(place(CE)).unwrap();
    fs::write(place(CE), text.replace("\"epochs\": 2", "\"epochs\": 3")).unwrap();
    let output = remote.run(&Project::new(), &["pull", "--cells", CE]);
    assert_eq!(output.code, 1);
    output.says("its own digest differs");
}

#[test]
fn what_arrived_before_is_gone_on_with() {
    let (remote, theirs) = (Remote::full(), Project::finished());
    let entry = theirs.entry("train", FPL);
    let bytes = fs::read(entry.join("weights.safetensors")).unwrap();
    for half_is_right in [true, false] {
        let ours = Project::new();
        let part = format!("{}-weights.safetensors.part", fpl_repro::fs::name(&entry));
        let part = ours.cache().join("downloads").join(part);
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        let mut half = bytes[..bytes.len() / 2].to_vec();
        half[0] ^= u8::from(!half_is_right);
        fs::write(&part, half).unwrap();
        remote.ok(&ours, &["pull", "--cells", FPL]).says("2 results pulled");
        assert!(ours.weights(FPL) == theirs.weights(FPL));
        assert!(!part.exists());
    }
}

#[test]
fn a_remote_cache_that_fails_stops_no_run() {
    let ours = Project::new();
    let nothing = ["--set", "remote.url=http://127.0.0.1:9/cache"];
    let output = ours.run(&[&["all", "--remote", "--cells", FPL], &nothing[..]].concat());
    assert_eq!(output.code, 0, "{output:#?}");
    assert_eq!(output.stderr.matches("it is not asked again").count(), 1, "{output:#?}");
    assert_eq!(trained(&output), 2);
    let output = ours.run(&[&["push"], &nothing[..]].concat());
    assert_eq!(output.code, 1);
    output.says("127.0.0.1:9/cache/ac/");
}

#[test]
fn an_address_that_is_none_is_named_by_its_key() {
    let project = Project::new();
    for (url, says) in [("", "no remote cache is configured"), ("bucket", "remote.url"), ("ftp://host", "remote.url")] {
        let output = project.run(&["pull", "--set", &format!("remote.url={url}")]);
        assert_eq!(output.code, 2, "{url} {output:#?}");
        output.says(says);
    }
}
