//! Generates labelled 32×32 images in CIFAR-10's layout.
//!
//! For trying the program without CIFAR-10: pictures of simple figures under CIFAR-10's class names, some pairs of
//! classes alike (cat and dog, automobile and truck, deer and horse, airplane and bird), with random place, size,
//! colours, clutter and noise. Further classes repeat the figures in other hues. All arithmetic is on integers, so the images are the same on every machine.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::archive::write_classes;
use super::{TEST_FILE, TRAIN_FILE};
use crate::error::{Error, Result};
use crate::fs;
use crate::interrupt;
use crate::recipe::Shape;
use crate::seed::{self, Purpose};

/// Pixels on a side.
const SIDE: i32 = 32;
/// Lengths within a figure are in units of 1/100 of its half-size.
const UNIT: i32 = 100;

type Colour = [i32; 3];

/// An ellipse or a rectangle of a figure, in figure coordinates: x to the right, y down, both -100 to 100.
struct Part {
    round: bool,
    centre: (i32, i32),
    half: (i32, i32),
    colour: Colour,
}

/// How the images of one class look.
struct Class {
    name: &'static str,
    background: Colour,
    /// Distance of horizontal stripes on the figure in figure units; 0 for none.
    stripes: i32,
    parts: &'static [Part],
}

const fn ellipse(centre: (i32, i32), half: (i32, i32), colour: Colour) -> Part {
    Part { round: true, centre, half, colour }
}

const fn rectangle(centre: (i32, i32), half: (i32, i32), colour: Colour) -> Part {
    Part { round: false, centre, half, colour }
}

const SKY: Colour = [150, 185, 220];
const SEA: Colour = [70, 110, 160];
const ROAD: Colour = [140, 135, 130];
const ROOM: Colour = [150, 125, 105];
const MEADOW: Colour = [105, 135, 75];
const POND: Colour = [95, 110, 70];
const METAL: Colour = [205, 205, 210];
const RED: Colour = [185, 60, 55];
const BLACK: Colour = [35, 35, 40];
const GLASS: Colour = [120, 150, 165];
const FUR: Colour = [175, 130, 85];
const HIDE: Colour = [135, 90, 55];
const GREEN: Colour = [80, 150, 60];

/// Parts are painted in order. The order of the classes is CIFAR-10's.
const FIGURES: [Class; 10] = [
    Class {
        name: "airplane",
        background: SKY,
        stripes: 0,
        parts: &[
            ellipse((0, 0), (95, 18), METAL),
            rectangle((0, 0), (16, 75), METAL),
            rectangle((-80, -20), (10, 25), METAL),
        ],
    },
    Class {
        name: "automobile",
        background: ROAD,
        stripes: 0,
        parts: &[
            rectangle((0, 15), (90, 28), RED),
            ellipse((0, -15), (55, 40), RED),
            rectangle((0, -18), (36, 12), GLASS),
            ellipse((-52, 45), (20, 20), BLACK),
            ellipse((52, 45), (20, 20), BLACK),
        ],
    },
    Class {
        name: "bird",
        background: SKY,
        stripes: 0,
        parts: &[
            ellipse((0, 10), (70, 28), METAL),
            ellipse((60, -22), (24, 22), METAL),
            rectangle((90, -20), (12, 5), RED),
            rectangle((-5, -20), (14, 50), METAL),
        ],
    },
    Class {
        name: "cat",
        background: ROOM,
        stripes: 24,
        parts: &[
            ellipse((0, 10), (70, 70), FUR),
            rectangle((-48, -60), (16, 32), FUR),
            rectangle((48, -60), (16, 32), FUR),
            ellipse((-28, 0), (11, 11), BLACK),
            ellipse((28, 0), (11, 11), BLACK),
        ],
    },
    Class {
        name: "deer",
        background: MEADOW,
        stripes: 0,
        parts: &[
            ellipse((-10, 5), (65, 32), HIDE),
            rectangle((55, -30), (15, 35), HIDE),
            rectangle((-55, 60), (8, 38), HIDE),
            rectangle((35, 60), (8, 38), HIDE),
            rectangle((40, -80), (5, 20), METAL),
            rectangle((72, -80), (5, 20), METAL),
        ],
    },
    Class {
        name: "dog",
        background: ROOM,
        stripes: 0,
        parts: &[
            ellipse((0, 10), (70, 70), FUR),
            ellipse((-72, 5), (18, 50), HIDE),
            ellipse((72, 5), (18, 50), HIDE),
            ellipse((-28, 0), (11, 11), BLACK),
            ellipse((28, 0), (11, 11), BLACK),
        ],
    },
    Class {
        name: "frog",
        background: POND,
        stripes: 40,
        parts: &[
            ellipse((0, 25), (90, 50), GREEN),
            ellipse((-40, -30), (22, 22), GREEN),
            ellipse((40, -30), (22, 22), GREEN),
            ellipse((-40, -30), (9, 9), BLACK),
            ellipse((40, -30), (9, 9), BLACK),
        ],
    },
    Class {
        name: "horse",
        background: MEADOW,
        stripes: 0,
        parts: &[
            ellipse((-10, 5), (72, 34), HIDE),
            rectangle((58, -25), (17, 40), HIDE),
            rectangle((-58, 60), (10, 38), HIDE),
            rectangle((38, 60), (10, 38), HIDE),
            rectangle((42, -35), (8, 35), BLACK),
            rectangle((-85, 20), (7, 35), BLACK),
        ],
    },
    Class {
        name: "ship",
        background: SEA,
        stripes: 0,
        parts: &[
            rectangle((0, 40), (95, 25), BLACK),
            rectangle((-10, 0), (55, 18), METAL),
            rectangle((15, -45), (14, 30), RED),
        ],
    },
    Class {
        name: "truck",
        background: ROAD,
        stripes: 0,
        parts: &[
            rectangle((-20, -15), (70, 55), RED),
            rectangle((68, 15), (24, 28), RED),
            rectangle((70, 2), (16, 10), GLASS),
            ellipse((-52, 45), (20, 20), BLACK),
            ellipse((52, 45), (20, 20), BLACK),
        ],
    },
];

/// Classes and size of the images.
pub fn shape(classes: usize) -> Shape {
    Shape { classes, side: SIDE as usize }
}

/// CIFAR-10's class names, which the first ten classes bear too, then `airplane 2` and so on, in the order of the labels.
pub fn class_names(classes: usize) -> Vec<String> {
    let name = |label: usize| match label / FIGURES.len() {
        0 => FIGURES[label].name.to_owned(),
        round => format!("{} {}", FIGURES[label % FIGURES.len()].name, round + 1),
    };
    (0..classes).map(name).collect()
}

/// Writes `train.bin` with `train` records, `test.bin` with `test` records and `classes.txt` into the directory
/// `out`, as [`unpack`](super::archive::unpack) does.
///
/// There are 2 to 100 classes with equally many images, up to one, in random order. Everything is a function of `seed`,
/// the number of classes and the number of images of the split.
///
/// # Errors
/// [`Error::Io`] if a file cannot be written.
pub fn generate(seed: u64, classes: usize, train: u32, test: u32, out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    for (split, (name, records)) in (0..).zip([(TRAIN_FILE, train), (TEST_FILE, test)]) {
        let mut random = Random(seed::generator(seed, Purpose::Images, split));
        write_split(&mut random, classes, records, &out.join(name))?;
    }
    write_classes(&class_names(classes), out)
}

fn write_split(random: &mut Random, classes: usize, records: u32, path: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path).map_err(Error::io("create", path))?);
    let mut record = Vec::with_capacity(shape(classes).record_bytes());
    for label in shuffled_labels(random, classes, records) {
        interrupt::check()?;
        record.clear();
        record.push(label);
        draw(random, label.into(), &mut record);
        file.write_all(&record).map_err(Error::io("write", path))?;
    }
    file.flush().map_err(Error::io("write", path))
}

fn shuffled_labels(random: &mut Random, classes: usize, records: u32) -> Vec<u8> {
    let mut labels: Vec<_> = (0..records).map(|index| (index % classes as u32) as u8).collect();
    for last in (1..labels.len()).rev() {
        labels.swap(last, random.range(0, last as i32) as usize);
    }
    labels
}

/// Integer draws.
struct Random(ChaCha8Rng);

impl Random {
    /// Uniform in `low..=high`, but for the rounding of 2^32 values onto them.
    fn range(&mut self, low: i32, high: i32) -> i32 {
        let count = u64::from(high.abs_diff(low)) + 1;
        low + ((u64::from(self.0.next_u32()) * count) >> 32) as i32
    }

    /// Bell-shaped around 0: the sum of four bytes, with a standard deviation of 148.
    fn noise(&mut self) -> i32 {
        self.0.next_u32().to_le_bytes().iter().map(|byte| i32::from(*byte)).sum::<i32>() - 510
    }

    fn shifted(&mut self, colour: Colour, most: i32) -> Colour {
        colour.map(|channel| channel + self.range(-most, most))
    }
}

/// Appends an image of the class: 1,024 red, then green, then blue values.
fn draw(random: &mut Random, label: usize, record: &mut Vec<u8>) {
    let class = &FIGURES[label % FIGURES.len()];
    let hue = hue(label / FIGURES.len());
    let mut canvas = background(random, [0, 1, 2].map(|channel| class.background[channel] + hue[channel]));
    let size = random.range(9, 15);
    let (x, y) = (random.range(13, 18), random.range(13, 18));
    let mirror = if random.range(0, 1) == 0 { 1 } else { -1 };
    let tint = random.shifted(hue, 30);
    for part in class.parts {
        let colour = [0, 1, 2].map(|channel| part.colour[channel] + tint[channel]);
        paint(&mut canvas, |column, row| {
            let (u, v) = (mirror * (column - x) * UNIT / size, (row - y) * UNIT / size);
            let dark = class.stripes > 0 && (v + 10 * UNIT) % class.stripes < class.stripes / 3;
            part.covers(u, v).then(|| if dark { colour.map(|channel| channel * 3 / 4) } else { colour })
        });
    }
    clutter(random, &mut canvas);
    // Every eighth image is in fog, some so dense that no network can tell the class.
    let contrast = if random.range(1, 8) == 1 { random.range(4, 40) } else { random.range(75, 115) };
    let brightness = random.range(-30, 30);
    let noise = random.range(5, 25);
    for channel in 0..3 {
        for pixel in &canvas {
            let value = (pixel[channel] - 128) * contrast / 100 + 128 + brightness;
            record.push((value + random.noise() * noise / 148).clamp(0, 255) as u8);
        }
    }
}

/// What is added to the colours of a class that repeats a figure for the `round`th time: nothing for the first ten classes.
fn hue(round: usize) -> Colour {
    [round % 3, round / 3 % 3, round / 9 % 3].map(|digit| [0, 60, -60][digit])
}

impl Part {
    fn covers(&self, u: i32, v: i32) -> bool {
        let (du, dv) = ((u - self.centre.0).abs(), (v - self.centre.1).abs());
        let (width, height) = self.half;
        if self.round {
            (du * height).pow(2) + (dv * width).pow(2) <= (width * height).pow(2)
        } else {
            du <= width && dv <= height
        }
    }
}

/// A surface of the class's colour that gets brighter or darker from top to bottom.
fn background(random: &mut Random, colour: Colour) -> Vec<Colour> {
    let colour = random.shifted(colour, 35);
    let slope = random.range(-25, 25);
    (0..SIDE * SIDE).map(|index| colour.map(|channel| channel + slope * (2 * (index / SIDE) - SIDE) / SIDE)).collect()
}

/// Up to two patches of any colour, which may hide a part of the figure.
fn clutter(random: &mut Random, canvas: &mut [Colour]) {
    for _ in 0..random.range(0, 2) {
        let colour = random.shifted([128; 3], 100);
        let (left, top) = (random.range(-4, SIDE), random.range(-4, SIDE));
        let (right, bottom) = (left + random.range(2, 9), top + random.range(2, 9));
        paint(canvas, |x, y| ((left..right).contains(&x) && (top..bottom).contains(&y)).then_some(colour));
    }
}

/// Replaces the pixels for which `colour`, given the column and the row, has an answer.
fn paint(canvas: &mut [Colour], colour: impl Fn(i32, i32) -> Option<Colour>) {
    for (index, pixel) in (0..).zip(canvas) {
        if let Some(colour) = colour(index % SIDE, index / SIDE) {
            *pixel = colour;
        }
    }
}
