//! Common options may stand before the command and after it; here they come to stand in one place.
//!
//! clap keeps, of a global option that is given at both, only what comes after the command: of `--set a=1 all --set b=2` the
//! first would be lost without a word, and that `-q all -v` contradicts itself would not be seen.

use std::ffi::OsString;

use clap::Command;

/// The words of a command line, its program's name apart, with the options before a command behind its name; what cannot be
/// understood stays where it is, for the parser proper to complain about.
pub(super) fn after_the_command(cli: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let Some((at, name)) = find_command(cli, &words) else { return words };
    let Some(command) = cli.find_subcommand(&name) else { return words };
    let (before, after) = words.split_at(at);
    let moved: Vec<OsString> = before.iter().chain(&after[1..]).cloned().collect();
    let moved = if command.has_subcommands() { below(cli, command, moved) } else { moved };
    std::iter::once(name).chain(moved).collect()
}

/// Likewise for the words of a command that has commands of its own.
fn below(cli: &Command, command: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let level =
        Command::new("level").args(cli.get_arguments().cloned()).subcommands(command.get_subcommands().cloned());
    after_the_command(&level, words)
}

/// Where the first word is that is neither an option nor an option's value, and that word.
fn find_command(cli: &Command, words: &[OsString]) -> Option<(usize, OsString)> {
    let options = cli.get_arguments().filter(|argument| argument.is_global_set()).cloned();
    let parser = Command::new("options")
        .no_binary_name(true)
        .disable_help_flag(true)
        .allow_external_subcommands(true)
        .args(options);
    let matches = parser.try_get_matches_from(words).ok()?;
    let (name, rest) = matches.subcommand()?;
    let rest = rest.get_many::<OsString>("").map_or(0, Iterator::count);
    Some((words.len() - 1 - rest, name.into()))
}
