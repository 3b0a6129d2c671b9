//! Minibatches: order, crops, flips, normalisation and resizing, against loops over single pixels.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;
use std::path::Path;

use fpl_core::recipe::{Augmentation, Border, Normalization, Shape};
use fpl_worker::data::augment::Draws;
use fpl_worker::data::batches::Dataset;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

const MEAN: [f64; 3] = [125.307, 122.961, 113.8575];
const STD: [f64; 3] = [51.5865, 50.847, 51.255];

fn normalization() -> Normalization {
    Normalization { mean: MEAN, std: STD }
}

/// What leaves the bytes as they are.
fn identity() -> Normalization {
    Normalization { mean: [0.0; 3], std: [1.0; 3] }
}

fn augmentation(crop_padding: u32, border: Border, flip: f64) -> Augmentation {
    Augmentation { crop_padding, border, flip }
}

fn plain() -> Augmentation {
    augmentation(0, Border::Black, 0.0)
}

/// The pixel `(channel, row, column)` of image `index`: never 0, and different for all that a test compares.
fn pixel(index: usize, channel: usize, row: usize, column: usize) -> u8 {
    (1 + (index * 31 + channel * 97 + row * 37 + column * 7 + row * column) % 255) as u8
}

/// `count` records; image i has label i mod 10.
fn records(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in 0..count {
        bytes.push((index % 10) as u8);
        for position in 0..3072 {
            bytes.push(pixel(index, position / 1024, position / 32 % 32, position % 32));
        }
    }
    bytes
}

/// `count` records whose first pixels spell the image's index, in base 256: red, green, blue.
fn numbered(count: usize) -> Dataset {
    let mut bytes = vec![0; count * 3073];
    for (index, record) in bytes.chunks_exact_mut(3073).enumerate() {
        record[0] = (index % 10) as u8;
        (record[1], record[1025]) = ((index % 256) as u8, (index / 256) as u8);
    }
    dataset(&bytes)
}

fn dataset(bytes: &[u8]) -> Dataset {
    Dataset::from_records(bytes, Shape::CIFAR10, Path::new("train.bin"), Device::Cpu).unwrap()
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.contiguous().flatten(0, -1)).unwrap()
}

fn integers(tensor: &Tensor) -> Vec<i64> {
    Vec::try_from(tensor).unwrap()
}

/// The indices of the images of a numbered data set in the order of an epoch, and the labels.
fn order(data: &Dataset, seed: u64, epoch: u32, batch_size: u32) -> (Vec<i64>, Vec<i64>) {
    let (mut indices, mut labels) = (Vec::new(), Vec::new());
    for (images, batch_labels) in data.training_batches(seed, epoch, batch_size, &plain(), &identity(), 32) {
        let corner = images.select(3, 0).select(2, 0);
        let index: Tensor = corner.select(1, 0) + corner.select(1, 1) * 256.0;
        indices.extend(integers(&index.to_kind(Kind::Int64)));
        labels.extend(integers(&batch_labels));
    }
    (indices, labels)
}

#[test]
fn records_become_images_and_labels() {
    let data = dataset(&records(23));
    assert_eq!((data.len(), data.images().size(), data.images().kind()), (23, vec![23, 3, 32, 32], Kind::Uint8));
    assert_eq!(integers(data.labels()), (0..23).map(|index| index % 10).collect::<Vec<_>>());
    assert_eq!(floats(&data.class_counts()), [3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]);
    for (index, channel, row, column) in [(0, 0, 0, 0), (7, 1, 31, 2), (22, 2, 5, 30)] {
        let found = data.images().int64_value(&[index, channel, row, column]);
        assert_eq!(found, i64::from(pixel(index as usize, channel as usize, row as usize, column as usize)));
    }
}

#[test]
fn damaged_records_are_refused() {
    let refusal = |bytes: &[u8]| {
        let message = Dataset::from_records(bytes, Shape::CIFAR10, Path::new("some/train.bin"), Device::Cpu)
            .unwrap_err()
            .to_string();
        assert!(message.contains("some/train.bin"), "{message}");
        message
    };
    assert!(refusal(&[]).contains("0 bytes"));
    assert!(refusal(&records(2)[1..]).contains("6145 bytes"));
    let mut bytes = records(3);
    bytes[3073] = 10;
    let message = refusal(&bytes);
    assert!(message.contains("record 1") && message.contains("label 10"), "{message}");
}

#[test]
fn an_epoch_holds_every_image_once_in_another_order() {
    let data = numbered(1000);
    let (first, labels) = order(&data, 7, 0, 64);
    assert_eq!(first.iter().copied().collect::<BTreeSet<_>>(), (0..1000).collect());
    assert_eq!(first.len(), 1000);
    assert!(first.iter().zip(&labels).all(|(index, label)| index % 10 == *label), "labels go with their images");
    let others = [order(&data, 7, 1, 64).0, order(&data, 8, 0, 64).0, (0..1000).collect()];
    // Two independent permutations agree in one place on average; 10 or more has probability 1e-7.
    for other in others {
        assert!(first.iter().zip(&other).filter(|(left, right)| left == right).count() < 10);
    }
    assert_eq!(order(&data, 7, 0, 64).0, first, "the order follows from seed and epoch");
    assert_eq!(order(&data, 7, 0, 1000).0, first, "the batch size does not change the order");
}

/// Every order of 4 images comes up as often: chi-square over the 24 permutations in 4800 epochs, 23 degrees of freedom,
/// significance 0.001 (49.73).
#[test]
fn every_permutation_is_as_likely() {
    let data = numbered(4);
    let mut counts = std::collections::BTreeMap::new();
    for epoch in 0..4800 {
        *counts.entry(order(&data, 1, epoch, 4).0).or_insert(0u32) += 1;
    }
    assert_eq!(counts.len(), 24);
    let chi_square: f64 = counts.values().map(|&count| (f64::from(count) - 200.0).powi(2) / 200.0).sum();
    assert!(chi_square < 49.73, "{chi_square}");
}

#[test]
fn the_last_minibatch_is_the_rest() {
    let data = dataset(&records(10));
    let sizes = |batches: &mut dyn Iterator<Item = (Tensor, Tensor)>| {
        batches.map(|(images, labels)| (images.size(), labels.size())).collect::<Vec<_>>()
    };
    let expected = [4, 4, 2].map(|length| (vec![length, 3, 32, 32], vec![length]));
    let augmentation = augmentation(4, Border::Black, 0.5);
    assert_eq!(sizes(&mut data.training_batches(0, 0, 4, &augmentation, &normalization(), 32)), expected);
    assert_eq!(sizes(&mut data.evaluation_batches(4, &normalization(), 32)), expected);
    assert_eq!(data.training_batches(0, 0, 10, &augmentation, &normalization(), 32).count(), 1);
    assert_eq!(data.training_batches(0, 0, 64, &augmentation, &normalization(), 32).count(), 1);
}

/// Two runs with one seed see the same bytes whatever they are trained for.
#[test]
fn a_seed_gives_the_same_minibatches() {
    let data = dataset(&records(50));
    let augmentation = augmentation(4, Border::Mean, 0.5);
    let run = |seed, epoch| data.training_batches(seed, epoch, 16, &augmentation, &normalization(), 32);
    for ((images, labels), (other_images, other_labels)) in run(3, 5).zip(run(3, 5)) {
        assert!(images.equal(&other_images) && labels.equal(&other_labels));
    }
    let (images, _) = run(3, 5).next().unwrap();
    assert!(!images.equal(&run(3, 6).next().unwrap().0));
    assert!(!images.equal(&run(4, 5).next().unwrap().0));
}

#[test]
fn evaluation_is_in_order_and_unchanged() {
    let data = dataset(&records(12));
    let (images, labels): (Vec<_>, Vec<_>) = data.evaluation_batches(5, &identity(), 32).unzip();
    assert!(Tensor::cat(&labels, 0).equal(data.labels()));
    assert!(Tensor::cat(&images, 0).equal(&data.images().to_kind(Kind::Float)));
}

/// (x − mean)/std in units of 0 to 255: black and white, per channel.
#[test]
fn normalisation_by_hand() {
    for (byte, expected) in [(0u8, [-2.429_066, -2.418_255, -2.221_393]), (255, [2.514_088, 2.596_790, 2.753_731])] {
        let mut bytes = vec![byte; 3073];
        bytes[0] = 1;
        let (images, _) = dataset(&bytes).evaluation_batches(1, &normalization(), 32).next().unwrap();
        let found = floats(&images);
        for (channel, expected) in expected.into_iter().enumerate() {
            // Six decimals were worked out by hand.
            assert!((f64::from(found[channel * 1024 + 500]) - expected).abs() < 1e-6, "{}", found[channel * 1024]);
        }
    }
}

/// What the image `index` must look like with its crop at `(top, left)` of the padded image.
fn by_pixel(index: usize, top: usize, left: usize, mirrored: bool, padding: usize, border: Border) -> Vec<f32> {
    let mut values = Vec::new();
    for channel in 0..3 {
        let (mean, std) = (MEAN[channel] as f32, STD[channel] as f32);
        for row in 0..32 {
            for column in 0..32 {
                let column = if mirrored { 31 - column } else { column };
                let inside = |offset: usize| offset.checked_sub(padding).filter(|&place| place < 32);
                values.push(match (inside(top + row), inside(left + column), border) {
                    (Some(row), Some(column), _) => (f32::from(pixel(index, channel, row, column)) - mean) / std,
                    (.., Border::Black) => (0.0 - mean) / std,
                    (.., Border::Mean) => 0.0,
                });
            }
        }
    }
    values
}

/// Every augmented image is, bit for bit, exactly one of the 162 crops and mirror images that a loop over pixels makes.
#[test]
fn crops_and_flips_are_those_of_a_loop_over_pixels() {
    for border in [Border::Black, Border::Mean] {
        let data = dataset(&records(10));
        let augmentation = augmentation(4, border, 0.5);
        let mut seen = BTreeSet::new();
        for epoch in 0..3 {
            for (images, labels) in data.training_batches(11, epoch, 4, &augmentation, &normalization(), 32) {
                for (position, label) in integers(&labels).into_iter().enumerate() {
                    let found = floats(&images.get(position as i64));
                    let all = (0..81).flat_map(|offset| [false, true].map(|mirrored| (offset, mirrored)));
                    let matching: Vec<_> = all
                        .filter(|&(offset, mirrored)| {
                            found == by_pixel(label as usize, offset / 9, offset % 9, mirrored, 4, border)
                        })
                        .collect();
                    assert_eq!(matching.len(), 1, "{border:?}, image {label}");
                    seen.extend(matching);
                }
            }
        }
        assert!(seen.len() > 20, "30 images have {} different crops", seen.len());
    }
}

/// A data set of one image with one bright pixel: where it lands tells the crop, and in which half the flip.
fn landings(padding: u32, flip: f64, count: usize) -> Vec<(i64, i64)> {
    let mut bytes = vec![0; count * 3073];
    for record in bytes.chunks_exact_mut(3073) {
        record[1 + 16 * 32 + 8] = 255;
    }
    let data = dataset(&bytes);
    let augmentation = augmentation(padding, Border::Black, flip);
    let places = data.training_batches(2023, 9, 1000, &augmentation, &identity(), 32).flat_map(|(images, _)| {
        integers(&images.select(1, 0).flatten(1, 2).argmax(1, false)).into_iter().map(|place| (place / 32, place % 32))
    });
    places.collect()
}

/// Chi-square over the 81 positions, 80 degrees of freedom, at significance 0.001 (124.84) in both directions; and the
/// flips are half of 20,000 within 3.3 standard errors of 70.7, the same significance.
#[test]
fn offsets_are_uniform_and_half_is_flipped() {
    let count = 20_000;
    let mut counts = [0u32; 81];
    let mut flipped = 0;
    for (row, column) in landings(4, 0.5, count) {
        // Not mirrored, the pixel lands in columns 4 to 12; mirrored, in 19 to 27.
        let mirrored = column > 15;
        flipped += u32::from(mirrored);
        let column = if mirrored { 31 - column } else { column };
        counts[((row - 12) * 9 + column - 4) as usize] += 1;
    }
    let expected = count as f64 / 81.0;
    let chi_square: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(chi_square < 124.84, "{chi_square}");
    assert!((f64::from(flipped) - 10_000.0).abs() < 3.3 * 70.7, "{flipped} flips");
}

/// A million draws, over the 81 positions times flipped or not, which also shows that the two are independent: chi-square
/// with 161 degrees of freedom at significance 0.001 (222.2), which a probability of 0.49 exceeds. And a flip of
/// probability ⅛ within 3.3 standard errors of 331.
#[test]
fn offsets_and_flips_are_independent() {
    let count = 1_000_000;
    let draws = |flip, seed| Draws::new(seed, 3, count, &augmentation(4, Border::Black, flip), Device::Cpu);
    let Draws { top, left, mirrored, .. } = draws(0.5, 17);
    let cell = (top * 9 + left) * 2 + mirrored.unwrap();
    let counts = floats(&cell.bincount::<Tensor>(None, 162).to_kind(Kind::Float));
    assert_eq!(counts.len(), 162);
    let expected = f64::from(count) / 162.0;
    let chi_square: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    assert!(chi_square < 222.2, "{chi_square}");
    let flipped = draws(0.125, 18).mirrored.unwrap().sum(Kind::Int64).int64_value(&[]);
    assert!((flipped as f64 - 125_000.0).abs() < 3.3 * 331.0, "{flipped} flips");
}

#[test]
fn flips_of_probability_zero_and_one_are_certain() {
    assert!(landings(0, 0.0, 500).iter().all(|&place| place == (16, 8)));
    assert!(landings(0, 1.0, 500).iter().all(|&place| place == (16, 23)));
}

/// PyTorch's `interpolate` in float64 (`tests/fixtures/make_batches.py`); float32 numbers up to 3 are within 1e-5 of it,
/// most of which is the float32 position of a pixel among 224.
#[test]
fn resizing_is_pytorchs() {
    #[derive(Deserialize)]
    struct Case {
        size: u32,
        step: i64,
        values: Vec<f64>,
    }
    let mut bytes = vec![0u8];
    bytes.extend((0..3072u64).map(|index| ((37 * index * index + 11 * index) % 251) as u8));
    let data = dataset(&bytes);
    let cases: Vec<Case> = serde_json::from_str(include_str!("../fixtures/batches/resize.json")).unwrap();
    assert_eq!(cases.len(), 3);
    for Case { size, step, values } in cases {
        let evaluated = data.evaluation_batches(1, &normalization(), size).next().unwrap().0;
        let trained = data.training_batches(0, 0, 1, &plain(), &normalization(), size).next().unwrap().0;
        assert_eq!(evaluated.size(), [1, 3, i64::from(size), i64::from(size)]);
        assert!(evaluated.equal(&trained));
        let found = floats(&evaluated.slice(2, None, None, step).slice(3, None, None, step));
        assert_eq!(found.len(), values.len());
        let worst =
            found.iter().zip(&values).map(|(found, value)| (f64::from(*found) - value).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-5, "{size}: {worst:e}");
    }
}
