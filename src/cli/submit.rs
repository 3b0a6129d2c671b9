//! `submit slurm`: writes a batch script and submits it. Slurm only starts processes: the cache says what is done.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use tera::{Context, Tera};

use super::{Session, print};
use crate::error::{Error, Result};
use crate::fs;
use crate::shell::{command, word};

const TEMPLATE: &str = include_str!("../../templates/slurm.sh");
/// Seconds before the wall at which a task stops by itself. Slurm may send the signal a minute earlier.
const NOTICE: u32 = 120;
/// Tasks if nobody says how many.
const TASKS: usize = 8;

/// What Slurm is asked for.
#[derive(Debug, Args)]
pub(super) struct Slurm {
    /// Identical tasks, each of which takes one cell after the other [default: 8, or one per cell if there are fewer]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    tasks: Option<u32>,
    /// Devices of a task, like gpu:1
    #[arg(long, value_name = "GRES")]
    gres: Option<String>,
    /// The wall: how long a task may run, like 4:00:00. Before it the task stops, is queued again and goes on
    #[arg(long, value_name = "TIME", value_parser = wall)]
    time: Option<String>,
    /// The partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Cores of a task
    #[arg(long, value_name = "N")]
    cpus_per_task: Option<u32>,
    /// Memory of a task, like 16G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    mem: Option<String>,
    /// Any other option of sbatch, like --account=vision (repeatable)
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,
    /// Only show the script
    #[arg(long)]
    print: bool,
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What `--time` of sbatch takes: <https://slurm.schedmd.com/sbatch.html>.
fn wall(text: &str) -> Result<String, String> {
    let clock = text.split_once('-').map_or(Some(text), |(days, clock)| is_number(days).then_some(clock));
    let fits = |clock: &str| clock.split(':').count() <= 3 && clock.split(':').all(is_number);
    if text == "UNLIMITED" || clock.is_some_and(fits) {
        return Ok(text.to_owned());
    }
    Err("not a time of Slurm, like 4:00:00 for hours or 1-12 for a day and twelve hours".to_owned())
}

/// What `--mem` of sbatch takes.
fn size(text: &str) -> Result<String, String> {
    let number = text.strip_suffix(['K', 'M', 'G', 'T', 'k', 'm', 'g', 't']).unwrap_or(text);
    if is_number(number) { Ok(text.to_owned()) } else { Err("not a size of Slurm, like 16G".to_owned()) }
}

impl Slurm {
    /// The options of sbatch, as they stand in the script.
    fn options(&self) -> Vec<String> {
        let cpus = self.cpus_per_task.map(|cpus| cpus.to_string());
        let named = [
            ("time", &self.time),
            ("gres", &self.gres),
            ("partition", &self.partition),
            ("cpus-per-task", &cpus),
            ("mem", &self.mem),
        ];
        let given = named.into_iter().filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)));
        given.chain(self.sbatch.iter().cloned()).collect()
    }
}

/// Writes the script and submits the tasks and, after them, the report; exit code 0.
///
/// `arguments` choose this configuration again.
pub(super) fn slurm(session: &Session, slurm: &Slurm, arguments: &[String]) -> Result<u8> {
    let cells = session.plan.cells.iter().filter(|cell| cell.selected).count();
    let tasks = slurm.tasks.map_or_else(|| cells.clamp(1, TASKS), |tasks| tasks as usize);
    let folder = absolute(session.store.root())?.join("slurm");
    let path = folder.join(format!("{}.sh", session.loaded.profile));
    let script = path.display().to_string();
    let array = format!("--array=0-{}", tasks - 1);
    let work = ["sbatch", "--parsable", &array, &script, "work"];
    let report = |job: &str| {
        let dependency = format!("--dependency=afterany:{job}");
        ["sbatch", "--parsable", &dependency, &script, "all"].map(str::to_owned)
    };
    let text = render(slurm, &folder, &work, &report("JOB").each_ref().map(String::as_str), arguments)?;
    if slurm.print {
        print(text.trim_end());
        return Ok(0);
    }
    fs::create_dir_all(&folder)?;
    fs::write_atomic(&path, text.as_bytes())?;
    let job = submit(&work)?;
    let last = submit(&report(&job).each_ref().map(String::as_str))?;
    print(&format!(
        "{script}\njob {job}: {tasks} tasks for {cells} cells\njob {last}: what they leave, and the report"
    ));
    print("`fpl-repro status` shows which cell is held by which task");
    Ok(0)
}

fn render(slurm: &Slurm, folder: &Path, work: &[&str], report: &[&str], arguments: &[String]) -> Result<String> {
    let here = std::env::current_dir().map_err(Error::io("find", "the current folder"))?;
    let program = std::env::current_exe().map_err(Error::io("find", "fpl-repro"))?;
    let fault = |error: tera::Error| Error::Render { what: "slurm.sh".into(), message: error.to_string() };
    let mut context = Context::new();
    context.insert("work", &command(work));
    context.insert("report", &command(report));
    context.insert("logs", &folder.display().to_string());
    context.insert("notice", &NOTICE);
    context.insert("options", &slurm.options());
    context.insert("folder", &word(&here.display().to_string()));
    context.insert("program", &word(&program.display().to_string()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    context.insert("arguments", &command(&arguments));
    let mut tera = Tera::default();
    tera.add_raw_template("slurm.sh", TEMPLATE).map_err(fault)?;
    tera.render("slurm.sh", &context).map_err(fault)
}

/// Submits a script; the number of its job.
fn submit(words: &[&str]) -> Result<String> {
    let refused = |message: String| Error::Usage {
        message: format!("`{}`: {message}", command(words)),
        help: "submit where `sbatch` works; `--print` only shows the script".into(),
    };
    let output = Command::new(words[0]).args(&words[1..]).output().map_err(|error| refused(error.to_string()))?;
    if !output.status.success() {
        return Err(refused(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    // `JOB` or, with several clusters, `JOB;CLUSTER`.
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(text.split(';').next().unwrap_or_default().to_owned())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(Error::io("find", path))
}
