//! Torture: kills at random moments, calls of the system that fail, crowds on one cache, other surroundings, power cuts at
//! every moment, hostile input. A short run is part of the tests, `make torture` is the long one.

mod results;
mod kills;
mod faults;
mod crowd;
mod surroundings;
mod power;
mod hostile;

/// What is done with a finished run, in a folder with the bundle `sound.tar.gz`. Each is over in about half a second.
const LATE: [&[&str]; 5] = [
    &["report", "--force"],
    &["evaluate", "--force"],
    &["bundle", "--output", "bundle.tar.gz"],
    &["import", "sound.tar.gz"],
    &["gc", "--trainings"],
];

/// What was tried, for whoever runs it by hand.
#[allow(clippy::print_stderr)]
fn tell(text: &str) {
    eprintln!("{text}");
}
