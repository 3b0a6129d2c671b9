//! A project in a folder of its own, and the program run in it.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The cells of [`PROFILE`].
pub(crate) const FPL: &str = "table2/resnet18/random/fpl/seed0";
/// The other one.
pub(crate) const CE: &str = "table2/resnet18/random/ce/seed0";

/// Two cells of ResNet-18 on a few generated images.
const PROFILE: &str = include_str!("small.toml");

/// A folder with `pipeline.toml`, `profiles/` and, sooner or later, a cache and reports.
pub(crate) struct Project {
    _dir: TempDir,
    pub(crate) root: PathBuf,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    /// A project in which nothing has run.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        lay_out(&root);
        Self { _dir: dir, root }
    }

    /// A copy of a project in which `all` has run. It is made once.
    pub(crate) fn finished() -> Self {
        static FINISHED: OnceLock<(PathBuf, File)> = OnceLock::new();
        let (finished, _) = FINISHED.get_or_init(|| {
            let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("finished");
            // Held until the tests end, so that tests that run at the same time wait.
            let lock = File::create(root.with_extension("lock")).unwrap();
            lock.lock().unwrap();
            let _ = fs::remove_dir_all(&root);
            lay_out(&root);
            let worker = Path::new(env!("CARGO_BIN_EXE_fpl-repro")).with_file_name("fpl-repro-worker");
            assert!(worker.is_file(), "`{}` is missing: run the tests with `cargo test --workspace`", worker.display());
            let output = run_in(&root, &["--profile", "test", "all"]);
            assert_eq!(output.code, 0, "{}", output.stderr);
            (root, lock)
        });
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        copy(finished, &root);
        Self { _dir: dir, root }
    }

    /// Adds `profiles/NAME.toml`.
    pub(crate) fn profile(&self, name: &str, text: &str) {
        fs::write(self.root.join("profiles").join(format!("{name}.toml")), text).unwrap();
    }

    /// Runs the program with the test profile.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.raw(&[&["--profile", "test"], args].concat())
    }

    /// Runs the program.
    pub(crate) fn raw(&self, args: &[&str]) -> Output {
        run_in(&self.root, args)
    }

    /// Runs the program with the test profile and without the rights of an administrator.
    pub(crate) fn unprivileged(&self, args: &[&str]) -> Output {
        const NOBODY: u32 = 65534;
        let mut command = command(&self.root);
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(NOBODY).gid(NOBODY);
        }
        output(command.args(["--profile", "test"]).args(args))
    }

    /// Runs the program with the test profile and variables of the environment.
    pub(crate) fn with(&self, variables: &[(&str, &Path)], args: &[&str]) -> Output {
        let mut command = command(&self.root);
        output(command.envs(variables.iter().copied()).args(["--profile", "test"]).args(args))
    }

    /// Runs the program and expects that it succeeds.
    pub(crate) fn ok(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        assert_eq!(output.code, 0, "{args:?}\n{}\n{}", output.stdout, output.stderr);
        output
    }

    /// Starts the program with the test profile.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        // A shell's `&` ignores SIGINT, and who is started by the tests would inherit that.
        self.start_under(&["env", "--default-signal=INT,HUP,TERM"], args)
    }

    /// Starts the program by another one that gives way to it, like `env`.
    pub(crate) fn start_under(&self, by: &[&str], args: &[&str]) -> Running {
        let program = command(&self.root);
        let mut command = Command::new(by[0]);
        command.args(&by[1..]).arg(program.get_program()).current_dir(&self.root);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::of(command.args(["--profile", "test"]).args(args))
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    pub(crate) fn report(&self) -> String {
        fs::read_to_string(self.root.join("reports/test/report.md")).unwrap()
    }

    /// Every stage as `status --json` has it.
    pub(crate) fn status(&self, args: &[&str]) -> Vec<Value> {
        let output = self.ok(&[&["status", "--json"], args].concat());
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// The entry of a cell's stage in the cache.
    pub(crate) fn entry(&self, stage: &str, subject: &str) -> PathBuf {
        let found = self.status(&[]).into_iter().find(|entry| entry["stage"] == stage && entry["subject"] == subject);
        self.cache().join(stage).join(found.unwrap()["fingerprint"].as_str().unwrap())
    }

    /// A cell's weights.
    pub(crate) fn weights(&self, cell: &str) -> Vec<u8> {
        fs::read(self.entry("train", cell).join("weights.safetensors")).unwrap()
    }

    /// Every file in the cache with its content's digest and time.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, (String, std::time::SystemTime)> {
        let files = fpl_repro::fs::files_below(&self.cache()).unwrap();
        files
            .into_iter()
            .map(|file| {
                let path = self.cache().join(&file);
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                (file, (fpl_repro::fs::sha256_file(&path).unwrap(), modified))
            })
            .collect()
    }
}

impl Output {
    /// The stages that ran, as `train table2/…`.
    pub(crate) fn ran(&self) -> BTreeSet<String> {
        let finished = |line: &str| {
            let (stage, rest) = line.split_once(' ')?;
            Some(format!("{stage} {}", rest.trim().rsplit_once(": done in ")?.0))
        };
        self.stderr.lines().filter_map(finished).collect()
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.stderr.contains(text) || self.stdout.contains(text), "no `{text}` in {self:#?}");
    }
}

/// A program that runs.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Starts a command.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, said: String::new() }
    }

    /// Reads on until a line contains the text.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            let read = self.stderr.read_line(&mut line).unwrap();
            self.said.push_str(&line);
            assert!(read > 0, "ended without `{text}`: {}", self.said);
            if line.contains(text) {
                return;
            }
        }
    }

    /// The worker processes that it started.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let parent = format!("PPid:\t{}", self.child.id());
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        ids.filter(|id| {
            fs::read_to_string(format!("/proc/{id}/status"))
                .is_ok_and(|status| status.lines().any(|line| line == parent))
        })
        .collect()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> (ExitStatus, Output) {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let code = output.status.code().unwrap_or(-1);
        (output.status, Output { code, stdout: String::from_utf8(output.stdout).unwrap(), stderr: self.said })
    }
}

pub(crate) fn kill(process: u32, signal: &str) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap().success());
}

/// Waits until a process is gone, or dead and not yet waited for.
#[track_caller]
pub(crate) fn wait_for_end(process: u32) {
    let started = Instant::now();
    let lives = || {
        fs::read_to_string(format!("/proc/{process}/status"))
            .is_ok_and(|status| !status.lines().any(|line| line.starts_with("State:\tZ")))
    };
    while lives() {
        assert!(started.elapsed() < Duration::from_secs(20), "process {process} still lives");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Says that a test is skipped for lack of a tool or of data; where all are required, that is a failure.
#[allow(clippy::print_stderr)]
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("FPL_REPRO_TOOLS").is_none_or(|tools| tools != "required"), "required: {why}");
    eprintln!("skipped: {why}");
}

fn lay_out(root: &Path) {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(root).unwrap();
    for file in ["pipeline.toml", "paper.toml"] {
        fs::copy(crate_root.join(file), root.join(file)).unwrap();
    }
    copy(&crate_root.join("profiles"), &root.join("profiles"));
    fs::write(root.join("profiles/test.toml"), PROFILE).unwrap();
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

pub(crate) fn command(root: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_fpl-repro"));
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for proxy in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command
}

fn run_in(root: &Path, args: &[&str]) -> Output {
    output(command(root).args(args))
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Changes a byte in the middle of a file.
pub(crate) fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// What is wrong with a document by a JSON schema (draft 2020-12); empty if nothing is.
pub(crate) fn schema_errors(schema: &serde_json::Value, document: &serde_json::Value) -> String {
    const NAME: &str = "urn:tested";
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.set_default_draft(boon::Draft::V2020_12);
    compiler.add_resource(NAME, schema.clone()).unwrap();
    let index = compiler.compile(NAME, &mut schemas).unwrap();
    schemas.validate(document, index).map_or_else(|error| format!("{error:#}"), |()| String::new())
}
