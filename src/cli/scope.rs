//! Which of the common options a command has: any other is refused, and its help does not show it.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// Choose a configuration.
const CONFIGURATION: &[&str] = &["profile", "config", "set"];
/// Choose cells.
const CELLS: &[&str] = &["cells"];
/// Choose seeds.
const SEEDS: &[&str] = &["seeds"];
/// Say how to run.
const RUN: &[&str] = &["device", "jobs", "keep_going", "fail_fast", "offline"];
const REMOTE: &[&str] = &["remote"];
const CACHE: &[&str] = &["cache_dir"];
const REPORTS: &[&str] = &["reports_dir"];
const STRICT: &[&str] = &["strict"];
/// Say how much is told.
const TALK: &[&str] = &["quiet", "verbose"];

/// All groups, and so every common option.
const ALL: [&[&str]; 9] = [CONFIGURATION, CELLS, SEEDS, RUN, REMOTE, CACHE, REPORTS, STRICT, TALK];

/// The groups of options that a command has.
fn groups(command: &str) -> &'static [&'static [&'static str]] {
    match command {
        "fetch" | "train" | "evaluate" | "plot" | "submit" => {
            &[CONFIGURATION, CELLS, SEEDS, RUN, REMOTE, CACHE, REPORTS, TALK]
        }
        "work" => &[CONFIGURATION, CELLS, SEEDS, RUN, REMOTE, CACHE, TALK],
        // What `all` takes can be asked about first.
        "plan" | "status" => &[CONFIGURATION, CELLS, SEEDS, RUN, REMOTE, CACHE],
        "pull" | "push" | "readings" | "why" => &[CONFIGURATION, CELLS, SEEDS, CACHE],
        "claims" => &[CONFIGURATION, CELLS, SEEDS, CACHE, STRICT],
        "register" => &[CONFIGURATION, SEEDS, CACHE],
        "audit" => &[CONFIGURATION],
        "bundle" => &[CONFIGURATION, CELLS, SEEDS, REMOTE, CACHE, REPORTS, TALK],
        "gc" => &[CONFIGURATION, REMOTE, CACHE, REPORTS],
        "import" | "verify" | "watch" => &[CONFIGURATION, CACHE],
        "diff" | "doctor" | "export" | "pool" | "completions" | "man" => &[],
        _ => &ALL,
    }
}

/// What a common option does in a command, where that is something else.
fn meaning(command: &str, id: &str) -> Option<&'static str> {
    match (command, id) {
        ("gc", "remote") => Some(
            "List what of the remote cache no plan, report, bundle or tag names and is older than a day; --trainings removes it",
        ),
        ("bundle", "remote") => Some("Give the results in the remote cache a tag, by which `gc --remote` keeps them"),
        _ => None,
    }
}

/// The common options that a command does not have, by their ids.
fn foreign(command: &str) -> impl Iterator<Item = &'static str> {
    let own = groups(command);
    ALL.into_iter().filter(move |group| !own.contains(group)).flatten().copied()
}

/// The command line with every command's help limited to its own options.
pub(super) fn limited(mut cli: Command) -> Command {
    let names: Vec<String> = cli.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        let common = |id: &str| cli.get_arguments().find(|arg| arg.get_id() == id).cloned();
        let hidden = foreign(&name).filter_map(|id| Some(common(id)?.hide(true)));
        let told = groups(&name).iter().copied().flatten().filter_map(|id| Some(common(id)?.help(meaning(&name, id)?)));
        let own: Vec<_> = hidden.chain(told).collect();
        cli = cli.mut_subcommand(name, |command| command.args(own));
    }
    cli
}

/// Refuses an option that the command does not have.
pub(super) fn check(cli: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((name, of_command)) = matches.subcommand() else { return Ok(()) };
    let given = |id: &&str| of_command.value_source(id) == Some(ValueSource::CommandLine);
    match foreign(name).find(given) {
        None => Ok(()),
        Some(id) => {
            let option = id.replace('_', "-");
            let message = format!("`{name}` has no option `--{option}`; `fpl-repro {name} --help` shows what it has");
            Err(cli.error(ErrorKind::UnknownArgument, message))
        }
    }
}
