//! A training set made imbalanced or noisy. The test set is never changed.
//!
//! Everything random follows from the cell's seed, so all losses of one seed see the same images with the same labels.

use std::path::Path;

use rand_chacha::rand_core::Rng;

use super::augment::below;
use fpl_core::artifact::TrainingSet;
use fpl_core::error::{Error, Result};
use fpl_core::fs;
use fpl_core::recipe::{Choice, Imbalance, LabelNoise, Shape, Training};
use fpl_core::seed::{Purpose, generator};

/// Training records with the labels that the network is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    shape: Shape,
    /// The records.
    pub records: Vec<u8>,
    /// Their labels in the data set.
    pub original: Vec<u8>,
}

impl Sample {
    /// Takes from the data set's records what a training is to see. `labels` is the file of [`LabelNoise::File`].
    ///
    /// # Errors
    /// A class that is left without an image, or a file that is not the one or not one label per image; the messages name
    /// `source`, the file of the records, or the labels' file.
    pub fn new(records: Vec<u8>, source: &Path, training: &Training, labels: Option<&Path>) -> Result<Self> {
        let shape = training.shape;
        let bytes = shape.record_bytes();
        let mut original: Vec<u8> = records.iter().step_by(bytes).copied().collect();
        let mut records = records;
        if let Some(imbalance) = &training.imbalance {
            let chosen = choose(imbalance, &original, shape.classes, training.seed, source)?;
            records = chosen.iter().flat_map(|&index| &records[index * bytes..(index + 1) * bytes]).copied().collect();
            original = chosen.into_iter().map(|index| original[index]).collect();
        }
        if let Some(noise) = &training.noise {
            let told = relabel(noise, &original, shape.classes, training.seed, labels)?;
            for (record, label) in records.chunks_exact_mut(bytes).zip(told) {
                record[0] = label;
            }
        }
        Ok(Self { shape, records, original })
    }

    /// The records whose label was made wrong.
    pub fn wrong(&self) -> Vec<u8> {
        let records = self.records.chunks_exact(self.shape.record_bytes()).zip(&self.original);
        records.filter(|(record, original)| record[0] != **original).flat_map(|(record, _)| record).copied().collect()
    }

    /// What it came to.
    pub fn summary(&self) -> TrainingSet {
        let mut class_counts = vec![0; self.shape.classes];
        for &label in self.records.iter().step_by(self.shape.record_bytes()) {
            class_counts[usize::from(label)] += 1;
        }
        let wrong_labels = (self.wrong().len() / self.shape.record_bytes()) as u32;
        TrainingSet { class_counts, wrong_labels }
    }
}

/// The indices of the images that stay, ascending.
fn choose(imbalance: &Imbalance, labels: &[u8], classes: usize, seed: u64, source: &Path) -> Result<Vec<usize>> {
    // As the authors: n is the mean number of images, which in balanced data is every class's.
    let counts = imbalance.counts(classes, (labels.len() / classes) as u32);
    let mut chosen = Vec::new();
    for (class, count) in counts.into_iter().enumerate() {
        let mut of_class: Vec<usize> = (0..labels.len()).filter(|&index| usize::from(labels[index]) == class).collect();
        let count = (count as usize).min(of_class.len());
        if count == 0 {
            let message = format!("has {} images of class {class}, of which none is left", of_class.len());
            return Err(Error::data(source, message, "set a smaller `imbalance.factor`"));
        }
        if imbalance.choice() == Choice::Drawn {
            // The first steps of Fisher and Yates's shuffle.
            let mut rng = generator(seed, Purpose::Selection, class as u32);
            for place in 0..count {
                let left = (of_class.len() - place) as u32;
                of_class.swap(place, place + below(&mut rng, left) as usize);
            }
        }
        chosen.extend_from_slice(&of_class[..count]);
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// The labels that the network is told.
fn relabel(noise: &LabelNoise, labels: &[u8], classes: usize, seed: u64, file: Option<&Path>) -> Result<Vec<u8>> {
    let mut rng = generator(seed, Purpose::LabelNoise, 0);
    // Drawn for every image in any case, so that a larger rate changes further labels and no others: 53 bits, as of crops.
    let mut happens = |rate: f64| ((rng.next_u64() >> 11) as f64) < rate * 2f64.powi(53);
    match noise {
        LabelNoise::Symmetric { rate } => {
            let changed: Vec<bool> = labels.iter().map(|_| happens(*rate)).collect();
            let mut other = |label: u8| {
                let drawn = below(&mut rng, classes as u32 - 1) as u8;
                if drawn < label { drawn } else { drawn + 1 }
            };
            let told = |(&label, changed): (&u8, bool)| {
                let drawn = other(label);
                if changed { drawn } else { label }
            };
            Ok(labels.iter().zip(changed).map(told).collect())
        }
        LabelNoise::Asymmetric { rate, partners } => {
            let partner = |label: u8| partners.iter().find(|[from, _]| *from == label).map_or(label, |[_, to]| *to);
            Ok(labels.iter().map(|&label| if happens(*rate) { partner(label) } else { label }).collect())
        }
        LabelNoise::File { sha256 } => of_file(file, sha256, labels.len(), classes),
    }
}

fn of_file(path: Option<&Path>, sha256: &str, count: usize, classes: usize) -> Result<Vec<u8>> {
    let path = path.unwrap_or(Path::new("(no file)"));
    let wrong = |message: String| Error::data(path, message, "check `noise.path` and `noise.sha256` of the data set");
    let text = fs::read_to_string(path)?;
    let found = fs::sha256_bytes(text.as_bytes());
    if found != sha256 {
        return Err(wrong(format!("its sha256 is {found}, expected {sha256}")));
    }
    let label = |(index, line): (usize, &str)| {
        let label = line.trim().parse::<u8>().ok().filter(|&label| usize::from(label) < classes);
        label.ok_or_else(|| wrong(format!("line {}: `{line}` is no label, those are 0 to {}", index + 1, classes - 1)))
    };
    let labels: Vec<u8> = text.lines().enumerate().map(label).collect::<Result<_>>()?;
    if labels.len() == count {
        return Ok(labels);
    }
    Err(wrong(format!("has {} labels for {count} training images", labels.len())))
}
