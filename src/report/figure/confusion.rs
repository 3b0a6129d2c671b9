//! Which classes are taken for which: the confusion matrices with CE and with another loss, and their difference.

use std::ops::Range;

use plotters::{
    prelude::*,
    style::{FontTransform, text_anchor::HPos},
};

use super::{
    Strips,
    axes::{NORMAL, SMALL, scale_end, shortened, upright, width_of},
    canvas::{Area, Canvas, Painted, text},
    pair::{Context, Drawn, Pair, chosen_classes, of_classes, seeds},
    style::{BLUE, INK, VERMILION, WIDTH},
};
use crate::{
    error::Result,
    number::{fixed, signed},
    report::input::Cell,
};

/// Left ends of the matrices, their upper end and their width, in half pixels.
const LEFT: [i32; 3] = [168, 624, 1080];
const TOP: i32 = 64;
const WIDE: i32 = 420;
/// Distances from the matrices' lower end to the title of the axis, to the colour scales, and to the figure's end.
const AXIS: i32 = 160;
const SCALES: i32 = 200;
const END: i32 = 306;

/// Images of a class (row) that are predicted as a class (column).
type Matrix = Vec<Vec<f64>>;

/// A matrix as it is drawn.
struct Heatmap<'a> {
    left: i32,
    title: String,
    matrix: &'a Matrix,
    colour: &'a dyn Fn(f64) -> Shade,
    number: &'a dyn Fn(f64) -> String,
    /// Whether correct images are coloured as errors are.
    whole: bool,
}

pub(super) fn subject(pair: &Pair) -> String {
    format!("Confusion matrices with {}, and their difference ({})", pair.names(), pair.setting())
}

pub(super) fn draw(context: &Context, pair: &Pair, id: &str) -> Result<Option<Drawn>> {
    let known = &context.input.dataset.classes;
    let (ce, other): (Vec<&Cell>, Vec<&Cell>) = pair.by_seed().into_iter().unzip();
    if ce.is_empty() || known.is_empty() {
        return Ok(None);
    }
    let all = [mean(&ce, known.len()), mean(&other, known.len())];
    let shown = chosen_classes(&(0..known.len()).map(|class| confused(&all, class)).collect::<Vec<_>>());
    let classes: Vec<String> = shown.iter().map(|class| shortened(&known[*class], 12)).collect();
    let [first, second] = all.map(|matrix| part(&matrix, &shown));
    let minus = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a - b).collect();
    let difference: Matrix = first.iter().zip(&second).map(minus).collect();
    let [a, b] = pair.sides.each_ref().map(|side| side.name);
    let alt = alt(&classes, &[(a, &first), (b, &second)], &difference);
    let basis = if ce.len() == 1 { "one seed".to_owned() } else { format!("means over {}, rounded", seeds(ce.len())) };
    let caption = format!(
        "{}. Rows: true classes; columns: predicted ones; numbers: test images, {basis}; empty: 0; framed: correct. Last: \
         {a} − {b}, blue (+) where {a} has more, vermilion (−) where {b} has more.{}{}",
        subject(pair),
        of_classes(classes.len(), known.len()),
        context.origin(&[ce.clone(), other].concat())
    );
    let (most, wide) = (scale_end(errors(&first).max(errors(&second))), scale_end(largest(&difference)));
    let shade = |value: f64| Shade { colour: INK, strength: value / most };
    let diverging =
        |value: f64| Shade { colour: if value < 0.0 { VERMILION } else { BLUE }, strength: value.abs() / wide };
    // Means of few images are not whole.
    let decimals = usize::from(ce.len() > 1 && most < 10.0);
    // What is written as 0 is not coloured as more.
    let written = |matrix: Matrix| rounded(matrix, decimals);
    let [first, second, difference] = [first, second, difference].map(written);
    let count = |value: f64| fixed(value, decimals);
    let change = |value: f64| signed(value, decimals);
    let plain = |left, name: &str, matrix| Heatmap {
        left,
        title: format!("{name} ({})", seeds(ce.len())),
        matrix,
        colour: &shade,
        number: &count,
        whole: false,
    };
    let right = Heatmap {
        left: LEFT[2],
        title: format!("{a} − {b}"),
        matrix: &difference,
        colour: &diverging,
        number: &change,
        whole: true,
    };
    let size = (WIDTH as u32, (TOP + WIDE + END) as u32);
    let svg = Canvas { id, title: &subject(pair), description: &alt, size }.draw(None, |area| {
        for heatmap in [plain(LEFT[0], a, &first), plain(LEFT[1], b, &second), right] {
            heatmap.draw(area, &classes)?;
        }
        names(area, &classes)?;
        for left in [LEFT[0], LEFT[1]] {
            scale(area, left..left + WIDE, 0.0..most, "misclassified images per field", &shade)?;
        }
        scale(area, LEFT[2]..LEFT[2] + WIDE, -wide..wide, "difference (images)", &diverging)
    })?;
    Ok(Some(Drawn { caption, alt, svg, panels: panels() }))
}

/// Each matrix with the names of its rows, for narrow screens.
fn panels() -> Vec<Strips> {
    let ends = [LEFT[1] - 18, LEFT[2] - 18, WIDTH].map(|end| end as u32);
    let names = [0, LEFT[0] as u32];
    vec![vec![[0, ends[0]]], vec![names, [ends[0], ends[1]]], vec![names, [ends[1], ends[2]]]]
}

/// Errors that a class takes part in.
fn confused(matrices: &[Matrix; 2], class: usize) -> f64 {
    let of = |matrix: &Matrix| off(matrix).filter(|(t, p, _)| *t == class || *p == class).map(|(.., n)| n).sum::<f64>();
    matrices.iter().map(of).sum()
}

/// The rows and columns of some classes.
fn part(matrix: &Matrix, classes: &[usize]) -> Matrix {
    classes.iter().map(|truth| classes.iter().map(|predicted| matrix[*truth][*predicted]).collect()).collect()
}

fn rounded(matrix: Matrix, decimals: usize) -> Matrix {
    let unit = 10_f64.powi(decimals as i32);
    matrix.into_iter().map(|row| row.into_iter().map(|value| (value * unit).round() / unit).collect()).collect()
}

/// The mean over cells.
fn mean(cells: &[&Cell], classes: usize) -> Matrix {
    let count = |cell: &Cell, truth: usize, predicted: usize| {
        let confusion = &cell.scores.as_ref()?.confusion;
        confusion.get(truth)?.get(predicted).map(|count| f64::from(*count))
    };
    let of = |truth, predicted| {
        cells.iter().filter_map(|cell| count(cell, truth, predicted)).sum::<f64>() / cells.len() as f64
    };
    (0..classes).map(|truth| (0..classes).map(|predicted| of(truth, predicted)).collect()).collect()
}

fn fields(matrix: &Matrix) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
    let row = |(truth, row): (usize, &'_ Vec<f64>)| {
        row.clone().into_iter().enumerate().map(move |(predicted, value)| (truth, predicted, value))
    };
    matrix.iter().enumerate().flat_map(row)
}

fn largest(matrix: &Matrix) -> f64 {
    fields(matrix).map(|(_, _, value)| value.abs()).fold(0.0, f64::max)
}

/// The largest field off the diagonal.
fn errors(matrix: &Matrix) -> f64 {
    off(matrix).map(|(_, _, value)| value).fold(0.0, f64::max)
}

/// Errors: the fields off the diagonal.
fn off(matrix: &Matrix) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
    fields(matrix).filter(|(truth, predicted, _)| truth != predicted)
}

fn alt(classes: &[String], matrices: &[(&str, &Matrix); 2], difference: &Matrix) -> String {
    let order = |a: &(usize, usize, f64), b: &(usize, usize, f64)| a.2.abs().total_cmp(&b.2.abs());
    let worst = |(name, matrix): &(&str, &Matrix)| match off(matrix).max_by(order) {
        Some((truth, predicted, value)) if value > 0.0 => {
            format!("{name} confuses {} as {} most ({} images)", classes[truth], classes[predicted], fixed(value, 1))
        }
        _ => format!("{name} confuses no classes"),
    };
    let total = |matrix| fixed(off(matrix).map(|(_, _, value)| value).sum::<f64>(), 1);
    let apart = match off(difference).max_by(order) {
        Some((truth, predicted, value)) if value.abs() > 0.0 => format!(
            "of the errors, {} taken for {} differs most, by {} images ({} − {})",
            classes[truth],
            classes[predicted],
            signed(value, 1),
            matrices[0].0,
            matrices[1].0
        ),
        _ => "their errors do not differ".to_owned(),
    };
    format!(
        "Three fields of numbers. {}, {}; {apart}. In all, {} misclassifies {} images, {} {}.",
        worst(&matrices[0]),
        worst(&matrices[1]),
        matrices[0].0,
        total(matrices[0].1),
        matrices[1].0,
        total(matrices[1].1)
    )
}

impl Heatmap<'_> {
    fn draw(&self, area: &Area, classes: &[String]) -> Painted {
        let edge = |index: usize| (f64::from(WIDE) * index as f64 / classes.len() as f64).round() as i32;
        let field = |truth: usize, predicted: usize| {
            let (left, top) = (self.left + edge(predicted), TOP + edge(truth));
            [(left, top), (self.left + edge(predicted + 1), TOP + edge(truth + 1))]
        };
        let coloured = |(truth, predicted, _): &(usize, usize, f64)| self.whole || truth != predicted;
        for (truth, predicted, value) in fields(self.matrix).filter(coloured) {
            let shade = (self.colour)(value);
            if shade.strength > 0.0 {
                area.draw(&Rectangle::new(field(truth, predicted), shade.style()))?;
            }
        }
        for class in 0..classes.len() {
            area.draw(&Rectangle::new(field(class, class), INK.stroke_width(1)))?;
        }
        let frame = [(self.left, TOP), (self.left + WIDE, TOP + WIDE)];
        area.draw(&Rectangle::new(frame, INK.stroke_width(1)))?;
        for (truth, predicted, value) in fields(self.matrix).filter(|(_, _, value)| value.abs() > 0.0) {
            let [(left, top), (right, bottom)] = field(truth, predicted);
            let label = (self.number)(value);
            // As large as fits into the field.
            let size = (22 * (right - left - 4) / width_of(area, &label, 22)?.max(1)).min(22);
            let dark = coloured(&(truth, predicted, value)) && (self.colour)(value).is_dark();
            let style = text(size, HPos::Center);
            let style = if dark { style.color(&WHITE) } else { style };
            area.draw(&Text::new(label, (i32::midpoint(left, right), i32::midpoint(top, bottom)), style))?;
        }
        let above = (self.left + WIDE / 2, TOP - 30);
        area.draw(&Text::new(self.title.clone(), above, text(NORMAL, HPos::Center)))?;
        Ok(())
    }
}

/// Names of the classes on the axes, and of the axes.
fn names(area: &Area, classes: &[String]) -> Painted {
    upright(area, "true class", (22, TOP + WIDE / 2))?;
    let middle = |index: usize| (f64::from(WIDE) * (index as f64 + 0.5) / classes.len() as f64).round() as i32;
    for (index, name) in classes.iter().enumerate() {
        area.draw(&Text::new(name.clone(), (LEFT[0] - 10, TOP + middle(index)), text(24, HPos::Right)))?;
    }
    let style = text(24, HPos::Right).transform(FontTransform::Rotate270);
    for left in LEFT {
        for (index, name) in classes.iter().enumerate() {
            area.draw(&Text::new(name.clone(), (left + middle(index), TOP + WIDE + 10), style.clone()))?;
        }
        let at = (left + WIDE / 2, TOP + WIDE + AXIS);
        area.draw(&Text::new("predicted class", at, text(NORMAL, HPos::Center)))?;
    }
    Ok(())
}

/// A colour scale with its values and what they are.
fn scale(area: &Area, x: Range<i32>, values: Range<f64>, title: &str, colour: &dyn Fn(f64) -> Shade) -> Painted {
    const STEPS: i32 = 40;
    let (top, bottom) = (TOP + WIDE + SCALES, TOP + WIDE + SCALES + 24);
    let (width, span) = (x.end - x.start, values.end - values.start);
    for step in 0..STEPS {
        let value = values.start + span * (f64::from(step) + 0.5) / f64::from(STEPS);
        let ends = [step, step + 1].map(|step| x.start + width * step / STEPS);
        area.draw(&Rectangle::new([(ends[0], top), (ends[1], bottom)], colour(value).style()))?;
    }
    area.draw(&Rectangle::new([(x.start, top), (x.end, bottom)], INK.stroke_width(1)))?;
    let decimals = usize::from((values.end / 2.0).fract() > 0.0 && values.end < 10.0);
    for (share, place) in [(0.0, HPos::Left), (0.5, HPos::Center), (1.0, HPos::Right)] {
        let value = values.start + span * share;
        let at = (x.start + (f64::from(width) * share).round() as i32, bottom + 22);
        let label = if values.start < 0.0 { signed(value, decimals) } else { fixed(value, decimals) };
        area.draw(&Text::new(label, at, text(SMALL, place)))?;
    }
    let at = (x.start + width / 2, bottom + 58);
    area.draw(&Text::new(title.to_owned(), at, text(NORMAL, HPos::Center)))?;
    Ok(())
}

/// A colour on the ground of the page, of a strength from 0 to 1.
#[derive(Debug, Clone, Copy)]
struct Shade {
    colour: RGBColor,
    strength: f64,
}

impl Shade {
    /// Transparent rather than mixed with white, so that it fits a dark ground too.
    fn style(self) -> ShapeStyle {
        self.colour.mix((self.strength.clamp(0.0, 1.0) * 1000.0).round() / 1000.0).filled()
    }

    /// Whether white text stands out more than dark text does, on a white ground.
    fn is_dark(self) -> bool {
        let mix = |part: u8| 255.0 + (f64::from(part) - 255.0) * self.strength.clamp(0.0, 1.0);
        let RGBColor(red, green, blue) = self.colour;
        0.299 * mix(red) + 0.587 * mix(green) + 0.114 * mix(blue) < 128.0
    }
}
