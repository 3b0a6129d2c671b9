//! Other surroundings, the same results: language, time zone, numbers of threads, terminal, rights of new files, folder.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::results::Results;
use crate::support::{Project, command, output, skip};

/// Where a command is run.
struct Surroundings {
    variables: &'static [(&'static str, &'static str)],
    umask: &'static str,
    /// Below the project.
    folder: &'static str,
    args: &'static [&'static str],
    /// Whether it speaks to a terminal.
    terminal: bool,
}

/// Each differs from the others in all that can differ.
const ALL: [Surroundings; 3] = [
    Surroundings {
        variables: &[
            ("LC_ALL", "tr_TR.UTF-8"),
            ("LANG", "tr_TR.UTF-8"),
            ("TZ", "Asia/Kolkata"),
            ("RAYON_NUM_THREADS", "1"),
            ("OMP_NUM_THREADS", "1"),
            ("NO_COLOR", "1"),
            ("TERM", "dumb"),
            ("COLUMNS", "20"),
        ],
        umask: "077",
        folder: "profiles",
        args: &["--jobs", "1"],
        terminal: false,
    },
    Surroundings {
        variables: &[
            ("LC_ALL", "C"),
            ("LANG", "de_DE@euro"),
            ("LC_NUMERIC", "de_DE.UTF-8"),
            ("TZ", "America/St_Johns"),
            ("RAYON_NUM_THREADS", "7"),
            ("OMP_NUM_THREADS", "3"),
            ("CLICOLOR_FORCE", "1"),
            ("TERM", "xterm-256color"),
            ("COLUMNS", "400"),
            ("SOURCE_DATE_EPOCH", "1"),
        ],
        umask: "002",
        folder: "",
        args: &["--jobs", "3"],
        terminal: true,
    },
    Surroundings {
        variables: &[
            ("LC_ALL", ""),
            ("LANG", ""),
            ("TZ", ":nowhere"),
            ("TERM", ""),
            ("COLUMNS", "x"),
            ("HOME", "/nowhere"),
        ],
        umask: "022",
        folder: "cache",
        args: &["--quiet"],
        terminal: false,
    },
];

impl Surroundings {
    fn run(&self, project: &Project, args: &[&str]) {
        let program = command(&project.root).get_program().to_str().unwrap().to_owned();
        let words = [&[program.as_str(), "--profile", "test"], args, self.args].concat();
        let line = format!("umask {}; exec {}", self.umask, shlex::try_join(words).unwrap());
        let folder = project.root.join(self.folder);
        fs::create_dir_all(&folder).unwrap();
        let mut by = if self.terminal { Command::new("script") } else { Command::new("sh") };
        if self.terminal {
            by.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        } else {
            by.args(["-c", &line]);
        }
        let ran = output(by.current_dir(&folder).stdin(Stdio::null()).envs(self.variables.iter().copied()));
        assert_eq!(ran.code, 0, "{args:?} in `{}`: {ran:#?}", self.folder);
    }
}

/// The files of the report, but the manifest, which says when it was made.
fn report(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = project.root.join("reports/test");
    let mut files: BTreeMap<PathBuf, Vec<u8>> = fpl_repro::fs::files_below(&folder)
        .unwrap()
        .into_iter()
        .map(|file| (file.clone(), fs::read(folder.join(file)).unwrap()))
        .collect();
    assert!(files.remove(Path::new("manifest.json")).is_some());
    files
}

#[test]
fn results_and_reports_are_the_same_in_all_surroundings() {
    if Command::new("script").arg("--version").output().is_err() {
        return skip("`script` of util-linux, which makes a terminal, is not there");
    }
    let finished = Project::finished();
    let sound = Results::of(&finished);
    // The report says how long trainings took, and so is made of the same ones.
    let rendered = report(&finished);
    for surroundings in &ALL {
        let project = Project::finished();
        for made in ["cache/plot", "cache/report", "reports"] {
            fs::remove_dir_all(project.root.join(made)).unwrap();
        }
        surroundings.run(&project, &["report"]);
        let again = report(&project);
        assert_eq!(again.keys().collect::<Vec<_>>(), rendered.keys().collect::<Vec<_>>());
        for (file, bytes) in &rendered {
            assert!(again[file] == *bytes, "{} differs in {:?}", file.display(), surroundings.variables);
        }
    }
    // And trained there from nothing.
    let project = Project::new();
    ALL[1].run(&project, &["all"]);
    assert!(Results::of(&project) == sound, "another result");
}
