//! What happens during a run, and the one place that tells the user.

mod line;
mod whole;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::artifact::EpochMetrics;
use crate::number::duration;
use crate::plan::StageKind;
use crate::stream;
use whole::Whole;

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A stage's result is in the cache.
    Hit(StageKind, &'a str),
    /// Another process runs the stage.
    Waiting(StageKind, &'a str),
    /// A stage starts.
    Started {
        /// Which.
        stage: StageKind,
        /// Of what.
        subject: &'a str,
        /// Why it is not a hit.
        reason: &'a str,
    },
    /// A stage is done after so many seconds.
    Finished(StageKind, &'a str, f64),
    /// A stage failed.
    Failed(StageKind, &'a str, &'a str),
    /// A cell is left out.
    Skipped(&'a str, &'a str),
    /// The device a cell computes on.
    Device(&'a str, &'a str),
    /// A cell goes on from a checkpoint.
    Resumed(&'a str, u32),
    /// Bytes of a download so far, and in all (0: unknown).
    Download(&'a str, u64, u64),
    /// Progress within an epoch.
    Step {
        /// The cell.
        subject: &'a str,
        /// Epoch, counted from 1.
        epoch: u32,
        /// Epochs in all.
        epochs: u32,
        /// Share of the epoch that is done, 0 to 1.
        done: f64,
        /// Images per second.
        images_per_second: f64,
        /// Estimated seconds to the end of the training.
        remaining: f64,
    },
    /// An epoch is done.
    Epoch {
        /// The cell.
        subject: &'a str,
        /// Epochs in all.
        epochs: u32,
        /// The epoch's numbers.
        metrics: &'a EpochMetrics,
        /// Estimated seconds to the end of the training.
        remaining: f64,
    },
    /// Cells that will run, with the estimated seconds of each.
    Queue(&'a [(String, Option<f64>)]),
    /// What the claims have come to, in a few words.
    Decided(&'a str),
    /// Something the user should know.
    Note(&'a str),
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures only.
    Quiet,
    /// What is done.
    Normal,
    /// What is not done too.
    Verbose,
}

/// Prints events to standard error: on a terminal a live line for the whole and one per running cell, plain lines elsewhere.
#[derive(Debug)]
pub struct Reporter {
    verbosity: Verbosity,
    bars: Option<MultiProgress>,
    running: Mutex<BTreeMap<String, ProgressBar>>,
    whole: Mutex<(Whole, Option<ProgressBar>)>,
}

impl Reporter {
    /// A reporter for standard error.
    pub fn new(verbosity: Verbosity) -> Self {
        let live = verbosity > Verbosity::Quiet && std::io::stderr().is_terminal();
        Self { verbosity, bars: live.then(MultiProgress::new), running: Mutex::default(), whole: Mutex::default() }
    }

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Whether lines are live, so that what changes them is worth finding out.
    pub fn is_live(&self) -> bool {
        self.bars.is_some()
    }

    /// Tells the user.
    pub fn emit(&self, event: &Event) {
        self.count(event);
        match event {
            Event::Hit(stage, subject) => {
                self.say(Verbosity::Verbose, &format!("{:<8} {subject}: cached", stage.name()));
            }
            Event::Waiting(stage, subject) => {
                self.say(
                    Verbosity::Normal,
                    &format!("{:<8} {subject}: another process is at it; waiting", stage.name()),
                );
            }
            Event::Started { stage, subject, reason } => {
                self.say(Verbosity::Normal, &format!("{:<8} {subject}: starts ({reason})", stage.name()));
            }
            Event::Finished(stage, subject, seconds) => {
                self.end(subject);
                self.say(Verbosity::Normal, &format!("{:<8} {subject}: done in {}", stage.name(), duration(*seconds)));
            }
            Event::Failed(stage, subject, message) => {
                self.end(subject);
                self.say(Verbosity::Quiet, &format!("{:<8} {subject}: FAILED: {message}", stage.name()));
            }
            Event::Skipped(subject, reason) => {
                self.say(Verbosity::Quiet, &format!("{:<8} {subject}: not run: {reason}", ""));
            }
            Event::Device(subject, device) => {
                self.say(Verbosity::Verbose, &format!("{:<8} {subject}: on {device}", ""));
            }
            Event::Resumed(subject, epochs) => {
                self.say(Verbosity::Normal, &format!("{:<8} {subject}: goes on after epoch {epochs}", "train"));
            }
            Event::Download(name, bytes, total) => self.download(name, *bytes, *total),
            Event::Step { subject, epoch, epochs, done, images_per_second, remaining } => {
                let part = f64::from(*epoch - 1) + done;
                let text =
                    format!("epoch {epoch}/{epochs}  {images_per_second:.0} images/s  ETA {}", duration(*remaining));
                self.live(subject, (part * 1000.0) as u64, u64::from(*epochs) * 1000, &text);
            }
            Event::Epoch { subject, epochs, metrics, remaining } => self.epoch(subject, *epochs, metrics, *remaining),
            Event::Note(text) => self.say(Verbosity::Normal, text),
            Event::Queue(_) | Event::Decided(_) => {}
        }
    }

    /// Brings the line for the whole up to date.
    fn count(&self, event: &Event) {
        let Some(bars) = &self.bars else { return };
        let mut locked = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let (whole, bar) = &mut *locked;
        match event {
            Event::Queue(cells) => whole.queue(cells),
            Event::Decided(text) => whole.decided(text),
            Event::Started { stage: StageKind::Train, subject, .. } => whole.begins(subject),
            Event::Step { subject, remaining, .. } | Event::Epoch { subject, remaining, .. } => {
                whole.remains(subject, *remaining);
            }
            Event::Finished(StageKind::Train | StageKind::Evaluate, subject, _)
            | Event::Hit(StageKind::Evaluate, subject)
            | Event::Failed(_, subject, _)
            | Event::Skipped(subject, _) => whole.ends(subject),
            _ => return,
        }
        let (line, (ended, all)) = (whole.line(), whole.progress());
        if line.is_empty() || ended == all {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            return;
        }
        bar.get_or_insert_with(|| styled(bars.insert(0, ProgressBar::new(0)), "{wide_msg}")).set_message(line);
    }

    fn epoch(&self, subject: &str, epochs: u32, metrics: &EpochMetrics, remaining: f64) {
        let text = format!(
            "epoch {}/{epochs}  loss {:.4}  top-1 {:.2} %  {:.0} images/s  ETA {}",
            metrics.epoch,
            metrics.train_loss,
            metrics.test_top1_pct,
            metrics.images_per_second,
            duration(remaining)
        );
        if self.bars.is_some() {
            self.live(subject, u64::from(metrics.epoch) * 1000, u64::from(epochs) * 1000, &text);
        } else {
            self.say(Verbosity::Normal, &format!("{:<8} {subject}: {text}", "train"));
        }
    }

    fn download(&self, name: &str, bytes: u64, total: u64) {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        self.live(name, bytes, total.max(bytes), &format!("{:.1} of {:.1} MB", megabytes(bytes), megabytes(total)));
    }

    /// Moves the live line of something that runs; nothing without a terminal.
    fn live(&self, subject: &str, position: u64, length: u64, text: &str) {
        let Some(bars) = &self.bars else { return };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = running.entry(subject.to_owned()).or_insert_with(|| {
            let (name, has_bar) = line::fitted(subject, columns());
            let template = if has_bar { "{prefix} [{bar:20}] {wide_msg}" } else { "{prefix} {wide_msg}" };
            let bar = styled(bars.add(ProgressBar::new(length)), template);
            bar.set_prefix(name);
            bar
        });
        bar.set_position(position);
        bar.set_message(text.to_owned());
    }

    /// Removes a live line.
    fn end(&self, subject: &str) {
        let bar = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(subject);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, level: Verbosity, text: &str) {
        if level > self.verbosity {
            return;
        }
        match &self.bars {
            // Not `suspend`, which panics where the terminal is gone. What it cannot take is lost.
            Some(bars) => bars.println(text).unwrap_or_default(),
            None => stream::err(text),
        }
    }
}

/// A live line; what is wider than the terminal is cut.
fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Width of the terminal; 80 where it cannot be asked.
fn columns() -> usize {
    ratatui::crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns))
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
