//! The report's own figures, which follow the paper's: where each has its place, and how it is drawn.

use super::{
    Expected, Figure, calibration, confusion, cost, distribution, false_positives,
    pair::{Context, Drawn, Pair},
    recall, rows, seeds, severity, smoothness, specification, training_loss,
};
use crate::{
    error::Result,
    number::slug,
    paper::BASELINE,
    report::{input::Row, ledger::SpecificationCurve},
};

/// More pairs than this are too many figures for one page: then only those of the paper's rows have their own.
const MANY_PAIRS: usize = 8;

/// How a figure is drawn, under the name that distinguishes it in a page; `None` while its data do not exist.
type Draw<'a> = Box<dyn Fn(&str) -> Result<Option<Drawn>> + 'a>;

/// A figure's place, and how it is drawn.
struct Place<'a> {
    expected: Expected,
    draw: Draw<'a>,
}

/// Figures that every pair has: number, group, what one is about, and how it is drawn.
type OfPair = (&'static str, &'static str, fn(&Pair) -> String, fn(&Context, &Pair, &str) -> Result<Option<Drawn>>);
const OF_PAIRS: [OfPair; 4] = [
    ("S1", "Confusion matrices", confusion::subject, confusion::draw),
    ("S2", "False positives per class", false_positives::subject, false_positives::draw),
    ("S3", "p_F and margin", distribution::subject, distribution::draw),
    ("S4", "Calibration", calibration::subject, calibration::draw),
];

const TRAINING_LOSS: OfPair = ("S10", "Training loss", training_loss::subject, training_loss::draw);

/// All places, in the report's order.
pub(super) fn expected(context: &Context) -> Vec<Expected> {
    let pairs = context.pairs();
    places(context, &pairs).into_iter().map(|place| place.expected).collect()
}

/// The figures whose data exist.
pub(super) fn figures(context: &Context) -> Result<Vec<Figure>> {
    let pairs = context.pairs();
    let figure = |place: Place| {
        let drawn = (place.draw)(place.expected.file.trim_end_matches(".svg"))?;
        Ok(drawn.map(|drawn| place.expected.drawn(drawn)))
    };
    places(context, &pairs).into_iter().filter_map(|place| figure(place).transpose()).collect()
}

fn places<'a>(context: &'a Context<'a>, pairs: &'a [Pair<'a>]) -> Vec<Place<'a>> {
    let of_paper = |pair: &&Pair| pair.sides.iter().any(|side| side.row.paper.is_some());
    let chosen: Vec<&Pair> = pairs.iter().filter(|pair| pairs.len() <= MANY_PAIRS || of_paper(pair)).collect();
    let mut all: Vec<Place> = OF_PAIRS.into_iter().flat_map(|kind| of_pairs(context, &chosen, kind)).collect();
    all.extend(smoothness(context));
    if !pairs.is_empty() {
        let expected = expected_at("figureS6-seeds", numbered("S6", 0, 1), seeds::SUBJECT.to_owned(), "Seeds");
        all.push(Place { expected, draw: Box::new(move |id: &str| seeds::draw(context, pairs, id)) });
    }
    if context.input.tables.iter().any(|table| !table.rows.is_empty()) {
        let expected = expected_at("figureS7-cost", numbered("S7", 0, 1), cost::SUBJECT.to_owned(), "Training cost");
        all.push(Place { expected, draw: Box::new(move |id: &str| cost::draw(context, id)) });
    }
    all.extend(recalls(context));
    all.extend(severities(context));
    all.extend(of_pairs(context, &chosen, TRAINING_LOSS));
    all.extend(specifications(context));
    all
}

/// A figure of one kind for each pair.
fn of_pairs<'a>(
    context: &'a Context<'a>,
    pairs: &[&'a Pair<'a>],
    (number, group, subject, draw): OfPair,
) -> Vec<Place<'a>> {
    let place = |(index, pair): (usize, &&'a Pair<'a>)| {
        let pair = *pair;
        let place = numbered(number, index, pairs.len());
        let expected = expected_at(&format!("figure{number}-{}", pair.key), place, subject(pair), group);
        Place { expected, draw: Box::new(move |id: &str| draw(context, pair, id)) as Draw<'a> }
    };
    pairs.iter().enumerate().map(place).collect()
}

/// One figure for each claim that was run under several readings.
fn specifications<'a>(context: &'a Context<'a>) -> Vec<Place<'a>> {
    let curves = specification::curves(context);
    let count = curves.len();
    let place = |(index, curve): (usize, SpecificationCurve)| {
        let file = format!("figureS11-{}", slug(&curve.claim.id));
        let subject = specification::subject(&curve);
        let expected = expected_at(&file, numbered("S11", index, count), subject, "Specification curves");
        Place { expected, draw: Box::new(move |id: &str| specification::draw(context, &curve, id)) as Draw<'a> }
    };
    curves.into_iter().enumerate().map(place).collect()
}

/// One figure for each setting with results on imbalanced data.
fn recalls<'a>(context: &'a Context<'a>) -> Vec<Place<'a>> {
    let settings = recall::settings(context);
    let count = settings.len();
    let place = |(index, setting): (usize, recall::Setting<'a>)| {
        let file = format!("figureS8-{}", slug(&setting.key()));
        let expected = expected_at(&file, numbered("S8", index, count), setting.subject(), "Recall and class size");
        Place { expected, draw: Box::new(move |id: &str| recall::draw(context, &setting, id)) as Draw<'a> }
    };
    settings.into_iter().enumerate().map(place).collect()
}

/// One figure for each series with results on training sets that were changed to different extents.
fn severities<'a>(context: &'a Context<'a>) -> Vec<Place<'a>> {
    let all = severity::series(context);
    let count = all.len();
    let place = |(index, series): (usize, severity::Series<'a>)| {
        let file = format!("figureS9-{}", slug(&series.key()));
        let group = "Imbalance and label noise";
        let expected = expected_at(&file, numbered("S9", index, count), series.subject(), group);
        Place { expected, draw: Box::new(move |id: &str| severity::draw(context, &series, id)) as Draw<'a> }
    };
    all.into_iter().enumerate().map(place).collect()
}

/// One figure for each of Figure 3's.
fn smoothness<'a>(context: &'a Context<'a>) -> Vec<Place<'a>> {
    let curves = &context.input.curves;
    let place = |(index, prefix): (usize, &'a String)| {
        let mut of_prefix: Vec<&Row> = rows(context.input, prefix).collect();
        of_prefix.sort_by_key(|row| row.loss != BASELINE);
        let setting = of_prefix
            .first()
            .map_or_else(|| prefix.clone(), |row| format!("{}, initial weights: {}", row.network, row.initialization));
        let subject = format!("Change of the test top-1 accuracy from epoch to epoch ({setting})");
        let file = format!("figureS5-{}", slug(prefix));
        let place = numbered("S5", index, curves.len());
        let expected = expected_at(&file, place, subject.clone(), "Smoothness of the curves");
        Place {
            expected,
            draw: Box::new(move |id: &str| smoothness::draw(context, &of_prefix, &subject, id)) as Draw<'a>,
        }
    };
    curves.iter().enumerate().map(place).collect()
}

/// `Figure S1.2`, or without an index where there is one only.
fn numbered(group: &str, index: usize, count: usize) -> String {
    if count > 1 { format!("Figure {group}.{}", index + 1) } else { format!("Figure {group}") }
}

fn expected_at(name: &str, number: String, subject: String, group: &str) -> Expected {
    Expected::ours(format!("{name}.svg"), number, subject, group)
}
