//! Commands as a reader pastes them into a shell.

/// A word as a POSIX shell takes it for one word, whatever characters it has.
pub fn word(text: &str) -> String {
    // A NUL cannot be part of a word.
    shlex::try_quote(&text.replace('\0', "")).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

/// A command of plain words, then words that may be anything.
pub fn command(words: &[&str]) -> String {
    words.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}
