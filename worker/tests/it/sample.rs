//! Imbalanced and noisy training sets. Counts and shares are by hand, from the definitions.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeSet;
use std::path::Path;

use fpl_core::error::Result;
use fpl_core::recipe::{
    Architecture, Augmentation, Border, Choice, Imbalance, InitialWeights, Initializer, LabelNoise, Loss, Network,
    Normalization, Optimizer, Precision, Recipe, Schedule, Shape, Stem, Training, WeightsSource,
};
use fpl_worker::data::sample::Sample;

/// One-pixel images, so that many fit; a pixel is the image's number.
const SHAPE: Shape = Shape { classes: 10, side: 1 };

/// `count` records whose classes take turns.
fn records(count: u32) -> Vec<u8> {
    (0..count)
        .flat_map(|number| [(number % 10) as u8, number as u8, (number >> 8) as u8, (number >> 16) as u8])
        .collect()
}

fn numbers(records: &[u8]) -> Vec<u32> {
    records.chunks(4).map(|record| u32::from_le_bytes([record[1], record[2], record[3], 0])).collect()
}

fn labels(records: &[u8]) -> Vec<u8> {
    records.iter().step_by(4).copied().collect()
}

fn training(seed: u64, imbalance: Option<Imbalance>, noise: Option<LabelNoise>) -> Training {
    let recipe = Recipe {
        epochs: 1,
        batch_size: 2,
        optimizer: Optimizer::Sgd { lr: 0.1, momentum: 0.0, weight_decay: 0.0, nesterov: false },
        schedule: Schedule::Cosine,
        initializer: Initializer::Torchvision,
        augmentation: Augmentation { crop_padding: 0, border: Border::Black, flip: 0.0 },
        normalization: Normalization { mean: [0.0; 3], std: [1.0; 3] },
        input_size: 32,
        precision: Precision::Float32,
    };
    Training {
        network: Network { architecture: Architecture::ResNet18, stem: Stem::Imagenet },
        loss: Loss::CrossEntropy,
        recipe,
        seed,
        initialization: InitialWeights { kind: WeightsSource::Random, drop: Vec::new() },
        train_limit: 0,
        test_limit: 0,
        shape: SHAPE,
        imbalance,
        noise,
    }
}

fn sample(count: u32, training: &Training, file: Option<&Path>) -> Result<Sample> {
    Sample::new(records(count), Path::new("train.bin"), training, file)
}

fn long_tailed(factor: f64, choice: Choice) -> Imbalance {
    Imbalance::LongTailed { factor, largest: None, choice }
}

#[test]
fn without_a_change_every_record_stays() {
    let sample = sample(100, &training(0, None, None), None).unwrap();
    assert_eq!((sample.records.clone(), sample.wrong()), (records(100), Vec::new()));
    assert_eq!(sample.summary().class_counts, [10; 10]);
}

#[test]
fn a_long_tail_has_the_first_images_of_every_class_in_their_order() {
    let imbalance = long_tailed(100.0, Choice::First);
    let sample = sample(10_000, &training(0, Some(imbalance), None), None).unwrap();
    // int(1000·0.01^(i/9)).
    let counts = [1000, 599, 359, 215, 129, 77, 46, 27, 16, 10];
    assert_eq!(sample.summary().class_counts, counts);
    let expected: Vec<u32> = (0..10_000).filter(|number| number / 10 < counts[*number as usize % 10]).collect();
    assert_eq!(numbers(&sample.records), expected);
    assert_eq!(labels(&sample.records), sample.original);
}

#[test]
fn drawn_images_are_a_seeds_own() {
    let of = |seed| {
        let imbalance = long_tailed(100.0, Choice::Drawn);
        sample(10_000, &training(seed, Some(imbalance), None), None).unwrap()
    };
    let (one, other) = (of(1), of(2));
    assert_eq!(one, of(1));
    assert_eq!(one.summary().class_counts, other.summary().class_counts);
    let (one, other) = (numbers(&one.records), numbers(&other.records));
    assert!(one.windows(2).all(|pair| pair[0] < pair[1]), "no image twice");
    assert_ne!(one, other);
    // Of 77 of 1,000 images of class 5, those of another seed are 77·0.077 = 5.9 on average; 25 would be 8 sigma.
    let fifth = |numbers: &[u32]| numbers.iter().copied().filter(|number| number % 10 == 5).collect::<BTreeSet<u32>>();
    assert!(fifth(&one).intersection(&fifth(&other)).count() < 25);
    // Drawn from all, not from the first: the mean place of 77 of 1,000 is 500 ± 33.
    let mean = fifth(&one).iter().map(|number| f64::from(number / 10)).sum::<f64>() / 77.0;
    assert!((mean - 499.5).abs() < 4.0 * 33.0, "{mean}");
}

#[test]
fn a_class_without_an_image_is_refused() {
    let imbalance = long_tailed(100.0, Choice::First);
    let message = sample(500, &training(0, Some(imbalance), None), None).unwrap_err().to_string();
    assert!(message.contains("train.bin") && message.contains("none is left"), "{message}");
}

#[test]
fn symmetric_noise_takes_each_other_class_equally_often() {
    let of = |rate| sample(50_000, &training(3, None, Some(LabelNoise::Symmetric { rate })), None).unwrap();
    let noisy = of(0.4);
    assert_eq!(numbers(&noisy.records), numbers(&records(50_000)), "images stay");
    let told = labels(&noisy.records);
    let wrong = told.iter().zip(&noisy.original).filter(|(told, original)| told != original).count();
    // 20,000 expected, with a standard deviation of √(50,000·0.4·0.6) = 110.
    assert!(wrong.abs_diff(20_000) < 4 * 110, "{wrong}");
    assert_eq!((noisy.wrong().len() / 4, noisy.summary().wrong_labels as usize), (wrong, wrong));
    for original in 0..10 {
        for label in (0..10).filter(|label| *label != original) {
            let pairs = told.iter().zip(&noisy.original).filter(|pair| *pair == (&label, &original)).count();
            // 5,000·0.4/9 = 222 expected, ± 14.6.
            assert!(pairs.abs_diff(222) < 5 * 15, "{original} → {label}: {pairs}");
        }
    }
    // A larger rate changes these labels, to the same classes, and further ones.
    let more = labels(&of(0.6).records);
    let changed = told.iter().zip(&noisy.original).zip(&more).filter(|((told, original), _)| told != original);
    assert!(changed.into_iter().all(|((told, _), more)| told == more));
    assert_eq!(labels(&of(0.0).records), noisy.original);
}

#[test]
fn asymmetric_noise_changes_only_classes_with_a_partner() {
    // Patrini et al.: truck → automobile, bird → airplane, deer → horse, cat ↔ dog.
    let partners = vec![[2, 0], [3, 5], [4, 7], [5, 3], [9, 1]];
    let noise = LabelNoise::Asymmetric { rate: 0.4, partners: partners.clone() };
    let sampled = sample(50_000, &training(3, None, Some(noise)), None).unwrap();
    for class in 0..10 {
        let told: Vec<u8> = labels(&sampled.records)
            .into_iter()
            .zip(&sampled.original)
            .filter_map(|(told, original)| (*original == class).then_some(told))
            .collect();
        let changed = told.iter().filter(|told| **told != class).count();
        match partners.iter().find(|[from, _]| *from == class) {
            // 2,000 of 5,000 expected, ± 35.
            Some([_, to]) => {
                assert!(changed.abs_diff(2000) < 4 * 35 && told.iter().all(|told| [class, *to].contains(told)));
            }
            None => assert_eq!(changed, 0),
        }
    }
}

#[test]
fn labels_of_a_file_are_taken_if_they_are_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("labels.txt");
    let of = |text: &str, sha256: &str| {
        std::fs::write(&path, text).unwrap();
        sample(3, &training(0, None, Some(LabelNoise::File { sha256: sha256.into() })), Some(&path))
    };
    // printf '0\n7\n2\n' | sha256sum
    let digest = "5075470549ae452964f308318f05e3786546358d61f19f94d563d8ed1d195cb8";
    assert_eq!(labels(&of("0\n7\n2\n", digest).unwrap().records), [0, 7, 2]);
    let refused = |text: &str, sha256: &str, words: &str| {
        let message = of(text, sha256).unwrap_err().to_string();
        assert!(message.contains("labels.txt") && message.contains(words), "{message}");
    };
    refused("0\n7\n3\n", digest, "its sha256 is");
    let digest = |text: &str| fpl_core::fs::sha256_bytes(text.as_bytes());
    refused("0\n7\n", &digest("0\n7\n"), "2 labels for 3 training images");
    refused("0\n10\n2\n", &digest("0\n10\n2\n"), "line 2: `10` is no label");
}
