//! Distributions as step lines on a logarithmic axis, which shows their tails.

use super::{
    axes::{Panel, decades, ticks},
    canvas::{Area, Look, Painted},
};
use crate::number::fixed;

/// Images in equal bins, over seeds.
pub(super) struct Steps {
    pub(super) look: Look,
    pub(super) counts: Vec<u64>,
}

impl Steps {
    /// The sum of histograms; `None` if nothing is counted.
    pub(super) fn sum<'a>(look: Look, histograms: impl Iterator<Item = Vec<u32>> + 'a) -> Option<Self> {
        let mut counts: Vec<u64> = Vec::new();
        for histogram in histograms {
            counts.resize(counts.len().max(histogram.len()), 0);
            for (sum, count) in counts.iter_mut().zip(histogram) {
                *sum += u64::from(count);
            }
        }
        counts.iter().any(|count| *count > 0).then_some(Self { look, counts })
    }

    fn share_pct(&self, count: u64) -> f64 {
        100.0 * count as f64 / self.counts.iter().sum::<u64>() as f64
    }

    /// The share of images in the bins from `first` on, in percent.
    pub(super) fn since_bin(&self, first: usize) -> f64 {
        self.share_pct(self.counts.iter().skip(first).sum())
    }

    /// The share of images in the bins before `end`, in percent.
    pub(super) fn before_bin(&self, end: usize) -> f64 {
        self.share_pct(self.counts.iter().take(end).sum())
    }
}

/// Logarithms of the shares that an axis must show: from below the least share that is not 0 to 100 %.
pub(super) fn range(all: &[&Steps]) -> std::ops::Range<f64> {
    let shares = all.iter().flat_map(|steps| steps.counts.iter().map(|count| steps.share_pct(*count)));
    let least = shares.filter(|share| *share > 0.0).fold(1.0, f64::min);
    (0.99 * least).log10().floor()..2.0
}

/// The distributions in a panel; a line at its lower end: no image.
pub(super) fn draw(area: &Area, panel: &Panel, all: &[&Steps], title: &str) -> Painted {
    panel.rules(area, &decades(&panel.y))?;
    panel.axes(area, &ticks(&panel.x, 5))?;
    panel.titles(area, title, "share of test images (%)", 104)?;
    // CE, the first, is dashed: on a solid line it is still seen.
    for (index, steps) in all.iter().enumerate().rev() {
        let width = (panel.x.end - panel.x.start) / steps.counts.len() as f64;
        let edge = |bin: usize| panel.x.start + width * bin as f64;
        // The logarithm of 0 is below every axis.
        let height = |count: u64| steps.share_pct(count).log10();
        let corners =
            |(bin, &count): (usize, &u64)| [panel.at(edge(bin), height(count)), panel.at(edge(bin + 1), height(count))];
        steps.look.line(area, steps.counts.iter().enumerate().flat_map(corners).collect(), 4)?;
        let every = (steps.counts.len() / 5).max(1);
        for (bin, &count) in
            steps.counts.iter().enumerate().filter(|(bin, _)| bin % every == every / 4 + index * every / 2)
        {
            if count > 0 {
                steps.look.mark(area, panel.at(edge(bin) + width / 2.0, height(count)), 9, false)?;
            }
        }
    }
    Ok(())
}

/// A share as descriptions have it.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", fixed(share, if share < 1.0 { 3 } else { 1 }))
}
