//! Torture: kills at random moments, calls of the system that fail, crowds on one cache, other surroundings, power cuts at
//! every moment, hostile input. A short run is part of the tests, `make torture` is the long one.

mod results;
mod kills;
mod faults;
mod crowd;
mod surroundings;
mod power;
mod hostile;

/// What was tried, for whoever runs it by hand.
#[allow(clippy::print_stderr)]
fn tell(text: &str) {
    eprintln!("{text}");
}
