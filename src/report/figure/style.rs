//! Sizes, font and colours of all figures.

use plotters::style::RGBColor;

/// Figures are drawn on a grid of half pixels, because plotters rounds coordinates.
pub(super) const SCALE: u32 = 2;

/// Width of a figure in half pixels.
pub(in crate::report) const WIDTH: i32 = 1520;
/// Of figures that are narrow enough for a phone.
pub(super) const NARROW: i32 = 960;

/// Text is measured with the embedded DejaVu Sans on every machine; the reader's machine draws it with the first it has.
pub(super) const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

// Okabe and Ito's colours, which can be told apart with any colour vision.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(super) const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
pub(super) const PURPLE: RGBColor = RGBColor(0xCC, 0x79, 0xA7);
pub(super) const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
pub(super) const GREY: RGBColor = RGBColor(0x9A, 0x9A, 0x9A);
pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// [`INK`] as SVG has it: what has no other colour.
pub(super) const INK_CODE: &str = "#222222";
pub(super) const RULE: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
/// What is quoted from the paper.
pub(super) const QUOTED: RGBColor = RGBColor(0x6B, 0x3F, 0xA0);
