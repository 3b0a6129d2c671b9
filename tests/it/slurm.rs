//! The batch script: what it asks for, and what it does where `sbatch` and `scontrol` only write down how they were called.
//! `scripts/slurm.sh` does it with a real Slurm.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{FPL, Output, Project, Running, command, kill};

const ARGUMENTS: [&str; 9] = [
    "submit",
    "slurm",
    "--cells",
    "table2/*/fpl/*",
    "--tasks",
    "3",
    "--gres=gpu:1",
    "--time=4:00:00",
    "--partition=short",
];

/// A folder with programs that write down how they were called.
fn fakes(project: &Project) -> PathBuf {
    let folder = project.root.join("bin");
    fs::create_dir_all(&folder).unwrap();
    for (name, says) in [("sbatch", "42"), ("scontrol", "")] {
        let path = folder.join(name);
        let text = format!("#!/bin/sh\necho {name} \"$@\" >>'{}'\necho {says}\n", project.root.join("calls").display());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// A command in the project, with the fakes in front.
fn with_fakes(project: &Project, program: Option<&str>) -> Command {
    let path = format!("{}:{}", fakes(project).display(), std::env::var("PATH").unwrap());
    let mut command = match program {
        None => command(&project.root),
        Some(program) => {
            let mut other = Command::new(program);
            other.current_dir(&project.root).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            other
        }
    };
    command.env("PATH", path).env("SLURM_JOB_ID", "42").env_remove("SLURM_ARRAY_JOB_ID");
    command
}

fn submit(project: &Project) -> Output {
    Running::of(with_fakes(project, None).args(["--profile", "test"]).args(ARGUMENTS)).end().1
}

#[test]
fn the_script_says_what_is_asked_and_is_submitted_twice() {
    let project = Project::new();
    let printed = project.ok(&[&ARGUMENTS[..], &["--print"]].concat()).stdout;
    assert!(!project.cache().join("slurm").exists(), "`--print` writes nothing");
    for option in ["--time=4:00:00", "--gres=gpu:1", "--partition=short", "--requeue", "--signal=B:USR1@120"] {
        assert!(printed.lines().any(|line| line == format!("#SBATCH {option}")), "{option}\n{printed}");
    }
    let output = submit(&project);
    assert_eq!(output.code, 0, "{output:#?}");
    let script = project.cache().join("slurm/test.sh");
    assert_eq!(fs::read_to_string(&script).unwrap().trim_end(), printed.trim_end());
    assert!(Command::new("bash").arg("-n").arg(&script).status().unwrap().success());
    let calls = fs::read_to_string(project.root.join("calls")).unwrap();
    let script = script.display();
    assert_eq!(
        calls,
        format!(
            "sbatch --parsable --array=0-2 {script} work\n\
             sbatch --parsable --dependency=afterany:42 {script} all\n"
        )
    );
    for line in calls.lines() {
        let line = line.replace("afterany:42", "afterany:JOB");
        assert!(printed.replace('\'', "").contains(&line), "the script says how to submit it: {line}");
    }
}

#[test]
fn without_slurm_it_says_where_to_submit() {
    let project = Project::new();
    let output = project.with(&[("PATH", std::path::Path::new("/nowhere"))], &ARGUMENTS);
    assert_eq!(output.code, 2);
    output.says("submit where `sbatch` works");
}

/// Before the wall the task stops, is queued again, and goes on where it was; whoever cancels it, does not find it again.
#[test]
fn before_the_wall_a_task_stops_and_is_queued_again() {
    let project = Project::new();
    let more = ["--set", "recipes.table2.epochs=40"];
    let submitted = with_fakes(&project, None).args(["--profile", "test"]).args(ARGUMENTS).args(more).output().unwrap();
    assert!(submitted.status.success());
    let script = project.cache().join("slurm/test.sh");
    let calls = || fs::read_to_string(project.root.join("calls")).unwrap();
    for (signal, requeued) in [("USR1", true), ("TERM", false)] {
        fs::write(project.root.join("calls"), "").unwrap();
        let mut task = Running::of(with_fakes(&project, Some("bash")).arg(&script).arg("work"));
        task.until(if requeued { "epoch 1/" } else { "goes on after epoch" });
        kill(task.id(), signal);
        let (_, output) = task.end();
        assert_eq!(calls(), if requeued { "scontrol requeue 42\n" } else { "" }, "{signal}: {output:#?}");
        assert_eq!(output.code, if requeued { 0 } else { 130 });
    }
    let (_, output) = Running::of(with_fakes(&project, Some("bash")).arg(&script).arg("all")).end();
    assert_eq!(output.code, 0, "{output:#?}");
    output.says("goes on after epoch");
    let trained: Vec<String> = output.ran().into_iter().filter(|ran| ran.starts_with("train")).collect();
    assert_eq!(trained, [format!("train {FPL}")]);
    assert!(project.root.join("reports/test/report.html").exists());
}

#[test]
fn what_slurm_would_refuse_is_refused_here() {
    let project = Project::new();
    // The forms of sbatch's manual: minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes,
    // days-hours:minutes:seconds.
    for time in ["30", "30:00", "4:00:00", "1-12", "1-12:30", "1-12:30:00", "UNLIMITED"] {
        project.ok(&["submit", "slurm", "--print", "--time", time]);
    }
    for (option, value) in
        [("--time", "4h"), ("--time", "1-"), ("--time", "1:2:3:4"), ("--mem", "16GB"), ("--mem", "G")]
    {
        let output = project.run(&["submit", "slurm", "--print", option, value]);
        assert_eq!(output.code, 2, "{option} {value}: {output:#?}");
        output.says("of Slurm, like");
    }
}
