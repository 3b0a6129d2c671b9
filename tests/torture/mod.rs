//! Torture: kills at random moments, and calls of the system that fail. A short run is part of the tests, `make torture` is
//! the long one.

mod results;
mod kills;
mod faults;

/// What was tried, for whoever runs it by hand.
#[allow(clippy::print_stderr)]
fn tell(text: &str) {
    eprintln!("{text}");
}
