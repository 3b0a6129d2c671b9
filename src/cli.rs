//! The command line: its doc comments are the help texts.

mod folder;
mod prose;
mod complain;
mod scope;
mod beside;
mod describe;
mod remote;
mod bundle;
mod check;
mod claims;
mod diff;
mod export;
mod verify;
mod github;
mod inspect;
mod pool;
mod register;
mod decidable;
mod survey;
mod until_decided;
mod gc;
mod watch;
mod schema;
mod doctor;
mod submit;
mod seeds;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{self, Config, Jobs, Loaded};
use crate::error::{ConfigPlace, Error, Result};
use crate::event::{Reporter, Verbosity};
use crate::interrupt;
use crate::number::plural;
use crate::plan::{self, Cell, Plan, StageKind};
use crate::remote::{Pull, Remote};
use crate::report::json;
use crate::report::ledger::ledger;
use crate::run::{Machine, Options, Outcome, Runner, Share, share};
use crate::shell::word;
use crate::store::Store;
use crate::stream::{self, out as print};
use complain::complain;

pub use schema::schemas;

/// Reproduces "FPL: False Positive Loss" (Kiaei et al., 2023): trains every cell of the paper's tables, and writes a
/// report that lays the paper's numbers beside the measured ones.
///
/// Every stage is cached under a fingerprint of everything that determines its result. Run `fpl-repro plan` to see
/// what a run would do, and why.
#[derive(Debug, Parser)]
#[command(
    name = "fpl-repro",
    version,
    after_help = "\
Exit codes: 0 done, 1 a cell failed (the report is still written), 2 usage or configuration, 3 needed something that \
                  --only or --offline forbids, 4 a claim is contradicted (with --strict), 5 a cell came out otherwise \
                  (check), 130 interrupted (run again to go on)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole pipeline: fetch, train, evaluate, plot, report
    All(AllArgs),
    /// Train and evaluate cells that nobody holds, one after the other, until none is left
    ///
    /// Any number of these can work on one cache, on all machines that see it. A cell that another holds is passed by; exit
    /// code 0 when the rest is done.
    Work,
    /// Submit the run to a batch system: identical tasks that `work`, and after them what they leave, and the report
    Submit {
        #[command(subcommand)]
        system: System,
    },
    /// Add results that are here to the remote cache (`[remote]` in the configuration)
    Push {
        /// Give the selected cells' results a name there, by which `gc --remote` keeps them for ever
        #[arg(long, value_name = "NAME")]
        tag: Option<String>,
    },
    /// Bring results from the remote cache; each file is verified when it arrives
    Pull {
        /// Leave the weights there: the rest is enough for a report
        #[arg(long)]
        no_weights: bool,
    },
    /// Find out whether a folder that machines share can hold a cache: run it on two of them at the same time
    Doctor {
        /// The folder
        #[arg(long, value_name = "DIR")]
        shared: PathBuf,
        /// Wait so many seconds for the other machine
        #[arg(long, value_name = "SECONDS", default_value_t = 120)]
        wait: u64,
    },
    /// Download, verify and unpack the data and the weights files
    Fetch(StageArgs),
    /// Train the selected cells, and fetch what they need
    Train(StageArgs),
    /// Evaluate the selected cells on the test set, and run what that needs
    Evaluate(StageArgs),
    /// Draw the figures, and run what they need
    Plot(StageArgs),
    /// Write the report, and run what it needs
    Report(StageArgs),
    /// Show what `all` would do: every stage, hit or miss, the reason, the estimated time; and what can be decided by it
    Plan {
        /// First measure a few steps of every network whose speed on this machine is not known
        #[arg(long)]
        calibrate: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Say what `all --until-decided` could decide in this time, like 6h or 1h30m
        #[arg(long, value_name = "TIME", value_parser = budget)]
        budget: Option<f64>,
    },
    /// Show what is there, what is stale, and which field made it so (old → new)
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show everything that determines a result: the fields of its fingerprint; with two, their difference
    Why {
        /// A cell's id, a file of the cache or of a report, or the beginning of a fingerprint
        #[arg(required = true, num_args = 1..=2, value_name = "CELL|FILE")]
        targets: Vec<String>,
        /// Show every field, however many there are
        #[arg(long)]
        all: bool,
    },
    /// Hold the paper's numbers against each other: sums, text against tables, what one run can resolve. Needs no run
    Audit {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the claims ledger: every claim of the paper, our runs, and a verdict
    Claims {
        /// A report's folder, its report.json or a bundle, instead of the cache
        #[arg(value_name = "REPORT")]
        report: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Rank the readings of what the paper leaves open: how well each foretells the numbers that the paper prints
    ///
    /// Per row of the paper and reading, the log density of a further run of ours at the printed numbers, the likeliest
    /// first; excluded at 5 % where one of them is too far.
    Readings {
        /// A report's folder, its report.json or a bundle, instead of the cache
        #[arg(value_name = "REPORT")]
        report: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Say beforehand what is judged, with which seeds, looks, margins and readings: adds it to registered.toml, with a date
    ///
    /// Reports and bundles carry the file, and say per claim whether its test was planned before the data, or changed after
    /// how many runs. Nothing registered is ever changed; registering again adds to it.
    Register {
        /// The file [default: registered.toml beside pipeline.toml]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write the report and everything that its numbers follow from to one .tar.gz, which checks itself. Runs no cell
    Bundle(bundle::BundleArgs),
    /// Verify a bundle from another machine and bring its cells in, marked as imported
    Import {
        /// The archive
        #[arg(value_name = "BUNDLE")]
        bundle: PathBuf,
    },
    /// Pool the bundles of several laboratories: each claim's effects by random effects, e-values multiplied
    ///
    /// Every bundle is verified first. Runs whose predictions are equal to the last byte count once.
    Pool {
        /// The archives
        #[arg(value_name = "BUNDLE", required = true, num_args = 2..)]
        bundles: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare two reports: which numbers moved, by how many standard errors, and which fields of fingerprints differ
    Diff {
        /// A report's folder, its report.json, or a bundle
        #[arg(value_name = "BEFORE")]
        before: PathBuf,
        /// Likewise
        #[arg(value_name = "AFTER")]
        after: PathBuf,
        /// Print Markdown
        #[arg(long, conflicts_with = "json")]
        md: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write what others ask for from a report: a replication article, checklists, an attestation, rows for FORRT
    Export {
        /// What to write
        #[arg(value_enum, value_name = "WHAT")]
        what: export::Kind,
        /// A report's folder, its report.json, or a bundle
        #[arg(value_name = "REPORT")]
        report: PathBuf,
        /// The file, of an article the folder [default: standard output, of an article `article`]
        #[arg(short, long, value_name = "PATH")]
        output: Option<PathBuf>,
    },
    /// Hash every artifact in the cache again, and say what does not match; of a bundle, compute every number again
    Verify {
        /// A bundle, packed or unpacked; needs neither a configuration nor a cache
        #[arg(value_name = "BUNDLE")]
        bundle: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a cached cell again, beside the cache, and compare every bit
    Check {
        /// The cell: trained and evaluated with as many threads as before, in a temporary folder; exit with 5 if its
        /// metrics (but their times), weights or logits differ
        #[arg(long, value_name = "CELL")]
        rerun: String,
    },
    /// Remove from the cache what no profile's plan uses, and say what
    Gc {
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
        /// Remove trainings, evaluations and checkpoints too that no profile's plan and no published report has
        #[arg(long)]
        trainings: bool,
        /// With `--remote`, keep what this bundle shows, too (repeatable); those among the reports are kept anyway
        #[arg(long, value_name = "BUNDLE")]
        keep: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Watch trainings in this cache: curves, speed and time left, from what they record. Changes nothing; `q` ends it
    Watch,
    /// Print a script that completes commands and options: `fpl-repro completions bash`
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, for `man -l -`
    Man,
}

/// Batch systems.
#[derive(Debug, Subcommand)]
enum System {
    /// Slurm: writes a batch script, and submits it with sbatch
    Slurm(submit::Slurm),
}

impl Command {
    /// Whether it is about pairs of runs until all is decided, and so about the seeds that are planned.
    fn decides(&self) -> bool {
        matches!(self, Self::All(AllArgs { until_decided: true, .. }) | Self::Plan { budget: Some(_), .. })
    }

    /// Whether it adds to the cache, or says what would be added.
    fn makes_results(&self) -> bool {
        match self {
            Self::Work
            | Self::Submit { .. }
            | Self::Pull { .. }
            | Self::Import { .. }
            | Self::Plan { .. }
            | Self::Fetch(_)
            | Self::Train(_)
            | Self::Evaluate(_)
            | Self::Plot(_) => true,
            _ => self.publishes(),
        }
    }

    /// Whether it publishes a report.
    fn publishes(&self) -> bool {
        matches!(self, Self::All(_) | Self::Report(_) | Self::Bundle(_))
    }
}

#[derive(Debug, Args)]
struct AllArgs {
    /// Run pairs of seeds claim by claim, the cheapest decision first, until every claim of the family is decided or futile
    ///
    /// The seeds are those that were registered, or else as many as pairs are planned; `--seeds` names others.
    #[arg(long)]
    until_decided: bool,
    /// Spend no more than this time, like 6h or 1h30m; what runs then is stopped and goes on the next time
    #[arg(long, value_name = "TIME", value_parser = budget, requires = "until_decided")]
    budget: Option<f64>,
}

/// Seconds of a time like `6h`.
fn budget(text: &str) -> std::result::Result<f64, String> {
    let duration = text.parse::<jiff::SignedDuration>().map_err(|_| "not a time, like 6h, 90m or 1h30m".to_owned())?;
    if duration.is_positive() { Ok(duration.as_secs_f64()) } else { Err("a budget is more than nothing".to_owned()) }
}

#[derive(Debug, Args)]
struct StageArgs {
    /// Run this stage although its result is there
    #[arg(long)]
    force: bool,
    /// Run no other stage; exit with 3 if one is needed
    #[arg(long)]
    only: bool,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
#[allow(clippy::struct_excessive_bools)] // Each is a switch.
struct Common {
    /// Use profiles/NAME.toml over pipeline.toml: `quickstart`, `cpu`, `what-if`, `imbalance`, `noise`, or your own
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Read this file instead of the pipeline.toml in the current folder or above it
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Select cells, like 'table2/resnet18/*' (repeatable); the report shows all that are there
    #[arg(long, global = true, value_name = "GLOB")]
    cells: Vec<String>,
    /// Run these seeds instead of the configured ones: 0,1,2 or 0..4 (inclusive); the report shows all that are there
    #[arg(long, global = true, value_name = "SEEDS")]
    seeds: Option<String>,
    /// Set a key of the configuration, like recipes.table2.epochs=2 (repeatable); TOML, or a bare word as a string
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Compute on auto (CUDA where it works), cpu, cuda or cuda:N
    #[arg(long, global = true, value_name = "DEVICE")]
    device: Option<String>,
    /// Run so many cells at once, each in a process of its own; auto: one per GPU, or per core
    #[arg(long, global = true, value_name = "N|auto", value_parser = jobs)]
    jobs: Option<Jobs>,
    /// Go on with other cells when one fails (as configured, the default)
    #[arg(long, global = true, conflicts_with = "fail_fast")]
    keep_going: bool,
    /// Start no further cell when one fails
    #[arg(long, global = true)]
    fail_fast: bool,
    /// Download nothing; exit with 3 if something is needed
    #[arg(long, global = true)]
    offline: bool,
    /// Bring results from the remote cache instead of making them, and add those made here (`[remote]`)
    #[arg(long, global = true)]
    remote: bool,
    /// The cache [default: cache/ beside pipeline.toml]
    #[arg(long, global = true, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Where reports are published [default: reports/ beside pipeline.toml]
    #[arg(long, global = true, value_name = "DIR")]
    reports_dir: Option<PathBuf>,
    /// Exit with 4 if a claim of the paper is contradicted (`all`, `report`, `claims`)
    #[arg(long, global = true)]
    strict: bool,
    /// Say only what fails
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say what is cached, too
    #[arg(short, long, global = true)]
    verbose: bool,
}

/// Everything that the command line and the configuration resolve to.
struct Session {
    /// With every seed that the plan has.
    loaded: Loaded,
    /// The seeds that are run.
    seeds: Vec<u64>,
    shipped: Config,
    plan: Plan,
    store: Store,
    reporter: Reporter,
    options: Options,
    reports: PathBuf,
}

/// Runs the command line; the exit code.
pub fn main() -> u8 {
    interrupt::survive_file_size_limit();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => {
            let printed = error.print().and_then(|()| std::io::stdout().flush());
            // A wrong command line is told on standard error, where a failure to write has nobody to be told to.
            if !error.use_stderr() {
                stream::note(printed);
            }
            return or_unwritten(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    or_unwritten(run(&cli).unwrap_or_else(|error| {
        complain(&error);
        error.exit_code()
    }))
}

/// Prints a value as the JSON files of reports are laid out.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print(&String::from_utf8_lossy(&json(value)?));
    Ok(())
}

/// The exit code, but that of an error if the command was done and standard output could not be written.
fn or_unwritten(code: u8) -> u8 {
    let Some(source) = stream::failure() else { return code };
    let error = Error::io("write", "standard output")(source);
    complain(&error);
    if code == 0 { error.exit_code() } else { code }
}

/// The command line.
fn parse() -> Result<Cli, clap::Error> {
    let mut command = scope::limited(Cli::command());
    let mut words = std::env::args_os();
    let program = words.next().into_iter();
    let words = beside::after_the_command(&command, words.collect());
    let matches = command.try_get_matches_from_mut(program.chain(words))?;
    scope::check(&mut command, &matches)?;
    Cli::from_arg_matches(&matches)
}

fn run(cli: &Cli) -> Result<u8> {
    // Reports and bundles of other projects and machines need no configuration.
    match &cli.command {
        Command::Diff { before, after, md, json } => {
            return diff::diff(before, after, diff::Format::of(*md, *json));
        }
        Command::Export { what, report, output } => return export::export(*what, report, output.as_deref()),
        Command::Verify { bundle: Some(bundle), json } => return bundle::verify(bundle, *json),
        Command::Pool { bundles, json } => return pool::pool(bundles, *json),
        Command::Claims { report: Some(report), json } => {
            return claims::claims(&ledger(&diff::read(report)?), *json, cli.common.strict);
        }
        Command::Completions { shell } => return Ok(describe::completions(*shell, scope::limited(Cli::command()))),
        Command::Man => return describe::man(Cli::command()),
        Command::Doctor { shared, wait } => return doctor::doctor(shared, *wait),
        Command::Readings { report: Some(report), json } => {
            return claims::readings(&ledger(&diff::read(report)?), *json);
        }
        _ => {}
    }
    let session = Session::new(cli)?;
    match &cli.command {
        Command::All(AllArgs { until_decided: true, budget }) => {
            until_decided::run(&session, *budget, cli.common.strict)
        }
        Command::All(_)
        | Command::Work
        | Command::Fetch(_)
        | Command::Train(_)
        | Command::Evaluate(_)
        | Command::Plot(_)
        | Command::Report(_) => session.run(cli.common.strict),
        Command::Submit { system: System::Slurm(slurm) } => submit::slurm(&session, slurm, &cli.common.words()),
        Command::Push { tag } => remote::push(&session, tag.as_deref()),
        Command::Pull { no_weights } => remote::pull(&session, if *no_weights { Pull::Evidence } else { Pull::Whole }),
        Command::Plan { calibrate, json, budget } => survey::plan(&session, *calibrate, *budget, *json),
        Command::Status { json } => survey::status(&session, *json),
        Command::Why { targets, all } => inspect::why(&session, targets, *all),
        Command::Audit { json } => claims::audit(&session, *json),
        Command::Claims { json, .. } => {
            let ledger = ledger(&session.runner().content()?);
            session.store.save_memo();
            claims::claims(&ledger, *json, cli.common.strict)
        }
        Command::Readings { json, .. } => {
            let ledger = ledger(&session.runner().content()?);
            session.store.save_memo();
            claims::readings(&ledger, *json)
        }
        Command::Register { output } => register::register(&session, output.clone()),
        Command::Bundle(args) => bundle::write(&session, args),
        Command::Import { bundle } => bundle::import(&session, bundle),
        Command::Diff { .. }
        | Command::Export { .. }
        | Command::Pool { .. }
        | Command::Completions { .. }
        | Command::Man
        | Command::Doctor { .. } => Ok(0),
        Command::Verify { json, .. } => verify::verify(&session, *json),
        Command::Check { rerun } => check::rerun(&session, rerun),
        Command::Gc { dry_run, trainings, keep, json } => {
            let scope = gc::Scope { dry_run: *dry_run, trainings: *trainings };
            match &session.options.remote {
                Some(remote) => gc::gc_remote(&session, remote, scope, keep, *json),
                None if !keep.is_empty() => Err(Error::Usage {
                    message: "`--keep` is about the remote cache".into(),
                    help: "add `--remote`; here, what an imported bundle brought is kept anyway".into(),
                }),
                None => gc::gc(&session, scope, *json),
            }
        }
        Command::Watch => watch::watch(&session),
    }
}

impl Session {
    fn new(cli: &Cli) -> Result<Self> {
        let common = &cli.common;
        let file = if let Some(file) = &common.config {
            file.clone()
        } else {
            let here = std::env::current_dir().map_err(Error::io("find", "the current folder"))?;
            let found = config::find(&here)?;
            found.strip_prefix(&here).map_or_else(|_| found.clone(), PathBuf::from)
        };
        let load = |sets: &[String]| {
            config::load(&file, common.profile.as_deref(), sets).map_err(|error| common.as_typed(error))
        };
        let mut sets = common.sets()?;
        let mut loaded = load(&sets)?;
        if cli.command.decides() && common.seeds.is_none() {
            sets.push(format!("seeds={:?}", until_decided::seeds(&loaded.config)));
            loaded = load(&sets)?;
        }
        let shipped = config::shipped()?;
        let root = common.cache_dir.clone().unwrap_or_else(|| loaded.root.join("cache"));
        let reports = common.reports_dir.clone().unwrap_or_else(|| loaded.root.join("reports"));
        for (path, option, wanted) in [
            (&root, "--cache-dir", common.cache_dir.is_some() || cli.command.makes_results()),
            (&reports, "--reports-dir", common.reports_dir.is_some() || cli.command.publishes()),
        ] {
            if wanted { folder::can_be_made(path, option)? } else { folder::check(path, option)? }
        }
        if std::path::absolute(&root).is_ok_and(|root| root.to_str().is_none()) {
            return Err(Error::Usage {
                message: format!("the path of the cache, `{}`, is not UTF-8", root.display()),
                help: "name another folder with `--cache-dir`: workers are told of files in it as text".into(),
            });
        }
        let store = Store::open(&root, Duration::from_secs(loaded.config.run.lease.into()));
        let archive = archive_digest(&loaded, &store)?;
        let planned = |config: &Config| plan::plan(config, &shipped, archive.as_deref(), &common.cells);
        let mut plan = planned(&loaded.config)?;
        let seeds = loaded.config.seeds.clone();
        if cli.command.shows_every_seed() {
            plan = seeds::with_every_seed(&mut loaded.config, plan, &store, planned)?;
        }
        let verbosity = match (common.quiet, common.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let options = options(cli, &loaded.config, &plan)?;
        Ok(Self { loaded, seeds, shipped, plan, store, reporter: Reporter::new(verbosity), options, reports })
    }

    fn runner(&self) -> Runner<'_> {
        Runner::new(&self.loaded, &self.plan, &self.store, &self.reporter, &self.options)
    }

    fn run(&self, strict: bool) -> Result<u8> {
        interrupt::catch();
        let runner = self.runner();
        self.check_reports(&runner)?;
        let outcome = runner.run(&self.reports)?;
        self.conclude(&runner, &outcome, strict)
    }

    /// A report that cannot be published is no reason to compute for days first.
    fn check_reports(&self, runner: &Runner) -> Result<()> {
        if self.options.upto < StageKind::Report || !runner.has_open_cells() {
            return Ok(()); // What is published as it is needs no writing.
        }
        folder::can_be_written(&self.reports.join(&self.loaded.profile), "--reports-dir")
    }

    /// Says what a run came to; the exit code.
    fn conclude(&self, runner: &Runner, outcome: &Outcome, strict: bool) -> Result<u8> {
        self.summarize(outcome);
        let damaged = if outcome.published.is_some() { tell_damage(&runner.damaged()) } else { 0 };
        if let Some(published) = &outcome.published {
            github::job_summary(&published.folder);
        }
        Ok(match (outcome.forbidden, outcome.missing.len(), &outcome.published) {
            (true, _, _) => 3,
            (false, 1.., _) => 1,
            _ if damaged > 0 => damaged,
            (false, 0, Some(_)) if strict => claims::strict(&ledger(&runner.content()?)),
            (false, 0, _) => 0,
        })
    }

    /// One line on what ran, and where the report is.
    fn summarize(&self, outcome: &Outcome) {
        if self.options_quiet() {
            return;
        }
        let part = |(stage, (hits, runs)): (&StageKind, &(usize, usize))| match (hits, runs) {
            (hits, 0) => format!("{} {hits} cached", stage.name()),
            (0, runs) => format!("{} {runs} run", stage.name()),
            (hits, runs) => format!("{} {runs} run, {hits} cached", stage.name()),
        };
        let mut parts: Vec<String> = outcome.counts.iter().map(part).collect();
        if !outcome.missing.is_empty() {
            parts.push(format!("{} without result", plural(outcome.missing.len(), "cell")));
        }
        if !outcome.held.is_empty() {
            parts.push(format!("{} held by others", plural(outcome.held.len(), "cell")));
        }
        stream::err(&parts.join(" · "));
        if let Some(published) = &outcome.published {
            print(&published.folder.join("report.html").display().to_string());
        }
    }

    fn options_quiet(&self) -> bool {
        self.reporter.verbosity() == Verbosity::Quiet
    }
}

impl Common {
    /// The configuration's keys that options set.
    fn sets(&self) -> Result<Vec<String>> {
        let mut sets = self.set.clone();
        if let Some(text) = &self.seeds {
            let seeds = plan::parse_seeds(text).map_err(|message| Error::Usage {
                message: format!("`--seeds {text}`: {message}"),
                help: "for example `--seeds 0..4`".into(),
            })?;
            sets.push(format!("seeds={seeds:?}"));
        }
        sets.extend(self.device.as_ref().map(|device| format!("run.device=\"{device}\"")));
        sets.extend(self.jobs.map(|jobs| match jobs {
            Jobs::Auto => "run.jobs=\"auto\"".to_owned(),
            Jobs::Count(jobs) => format!("run.jobs={jobs}"),
        }));
        if self.offline {
            sets.push("run.offline=true".into());
        }
        if self.fail_fast || self.keep_going {
            sets.push(format!("run.keep_going={}", self.keep_going));
        }
        Ok(sets)
    }

    /// The options as they were given, for the same command in another process that begins in the same folder.
    fn words(&self) -> Vec<String> {
        let path = |path: &PathBuf| path.display().to_string();
        let jobs = self.jobs.map(|jobs| match jobs {
            Jobs::Auto => "auto".to_owned(),
            Jobs::Count(jobs) => jobs.to_string(),
        });
        let valued = [
            ("--profile", self.profile.clone()),
            ("--config", self.config.as_ref().map(path)),
            ("--seeds", self.seeds.clone()),
            ("--device", self.device.clone()),
            ("--jobs", jobs),
            ("--cache-dir", self.cache_dir.as_ref().map(path)),
            ("--reports-dir", self.reports_dir.as_ref().map(path)),
        ];
        let repeated =
            self.cells.iter().map(|cells| ("--cells", cells)).chain(self.set.iter().map(|set| ("--set", set)));
        let switches = [
            ("--keep-going", self.keep_going),
            ("--fail-fast", self.fail_fast),
            ("--offline", self.offline),
            ("--remote", self.remote),
            ("--quiet", self.quiet),
            ("--verbose", self.verbose),
        ];
        let pairs = valued.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
        let pairs = pairs.chain(repeated.map(|(name, value)| [name.to_owned(), value.clone()]));
        let given = switches.into_iter().filter(|(_, given)| *given).map(|(name, _)| name.to_owned());
        pairs.flatten().chain(given).collect()
    }

    /// An error about a key that an option set, with the option as it was typed.
    fn as_typed(&self, error: Error) -> Error {
        let Error::Config { place, key, message, help } = error else { return error };
        let ConfigPlace::Set(set) = &place else { return Error::Config { place, key, message, help } };
        let typed = match set.split_once('=').map(|(key, _)| key) {
            Some("seeds") => self.seeds.as_ref().map(|seeds| format!("--seeds {seeds}")),
            Some("run.device") => self.device.as_ref().map(|device| format!("--device {device}")),
            Some("run.jobs") => match self.jobs {
                Some(Jobs::Count(jobs)) => Some(format!("--jobs {jobs}")),
                _ => None,
            },
            _ => None,
        };
        Error::Config { place: typed.map_or(place, ConfigPlace::Option), key, message, help }
    }

    /// The options that choose this configuration again, as a shell takes them. Paths are shortened to the file's name: they are another
    /// machine's, and do not decide results.
    fn invocation(&self) -> String {
        use std::fmt::Write as _; // Writing to a String cannot fail.
        let mut words = String::new();
        if let Some(profile) = &self.profile {
            let _ = write!(words, " --profile {}", word(profile));
        }
        if let Some(config) = &self.config {
            let _ = write!(words, " --config {}", word(&file_name(&config.display().to_string())));
        }
        for set in self.set.iter().filter(|set| !set.starts_with("run.") && !set.starts_with("remote.")) {
            let path =
                set.split_once('=').filter(|(key, _)| matches!(key.rsplit('.').next(), Some("archive" | "path")));
            let shown = path.map_or_else(|| set.clone(), |(key, value)| format!("{key}={}", file_name(value)));
            let _ = write!(words, " --set {}", word(&shown));
        }
        words
    }
}

/// Names the cells whose results are there and cannot be used; exit code 1 if there are any.
fn tell_damage(damaged: &[(&Cell, String)]) -> u8 {
    for (cell, what) in damaged {
        let help = String::new(); // Said once, below.
        complain(&Error::Cell { cell: cell.id.to_string(), message: what.clone(), help });
    }
    if !damaged.is_empty() {
        stream::err("help: `fpl-repro evaluate` makes damaged results again; `fpl-repro verify` names all damage");
    }
    u8::from(!damaged.is_empty())
}

fn file_name(path: &str) -> String {
    PathBuf::from(path).file_name().map_or_else(|| path.to_owned(), |name| name.display().to_string())
}

fn options(cli: &Cli, config: &Config, plan: &Plan) -> Result<Options> {
    let (upto, only, force) = match &cli.command {
        Command::Fetch(stage) => (StageKind::Fetch, stage.only, stage.force),
        Command::Train(stage) => (StageKind::Train, stage.only, stage.force),
        Command::Evaluate(stage) => (StageKind::Evaluate, stage.only, stage.force),
        Command::Work => (StageKind::Evaluate, false, false),
        Command::Plot(stage) => (StageKind::Plot, stage.only, stage.force),
        Command::Report(stage) => (StageKind::Report, stage.only, stage.force),
        _ => (StageKind::Report, false, false),
    };
    let Share { jobs, threads } = share(&config.run, Machine::here(), plan);
    let remote = if cli.common.remote { Some(Arc::new(Remote::open(&config.remote)?)) } else { None };
    Ok(Options {
        upto,
        only,
        force,
        jobs,
        threads,
        device: config.run.device.clone(),
        keep_going: config.run.keep_going,
        offline: config.run.offline,
        silence: Duration::from_secs(config.run.silence.into()),
        wait: !matches!(cli.command, Command::Work),
        remote,
        invocation: cli.common.invocation(),
    })
}

/// What `--jobs` is given.
fn jobs(text: &str) -> Result<Jobs, String> {
    match (text, text.parse()) {
        ("auto", _) => Ok(Jobs::Auto),
        (_, Ok(jobs)) => Ok(Jobs::Count(jobs)),
        (_, Err(_)) => Err("neither `auto` nor a whole number".to_owned()),
    }
}

/// The sha256 of a local archive, which is part of the data's fingerprint.
fn archive_digest(loaded: &Loaded, store: &Store) -> Result<Option<String>> {
    let Config { dataset, datasets, .. } = &loaded.config;
    let archive = datasets.get(dataset).and_then(|dataset| dataset.source.archive());
    let Some(archive) = archive.filter(|archive| !archive.archive.is_empty()) else { return Ok(None) };
    let path = loaded.root_path(&archive.archive);
    let path = std::path::absolute(&path).unwrap_or(path);
    store.digest(&path).map(Some).map_err(|error| Error::Config {
        place: ConfigPlace::Configuration,
        key: format!("datasets.{dataset}.source.archive"),
        message: error.to_string(),
        help: "name a readable archive, or leave it empty to download".into(),
    })
}
