//! The training loss over epochs, beside the test accuracy that it led to.

use super::{
    curves::{Curve, LOSS, Quantity, TOP1, curves, panels},
    pair::{Context, Drawn, Pair},
};
use crate::{error::Result, number::fixed};

const QUANTITIES: [Quantity; 2] = [LOSS, TOP1];

pub(super) fn subject(pair: &Pair) -> String {
    format!("Training loss and test accuracy over epochs with {} ({})", pair.names(), pair.setting())
}

pub(super) fn draw(context: &Context, pair: &Pair, id: &str) -> Result<Option<Drawn>> {
    let lines: Vec<Curve> =
        pair.sides.iter().filter_map(|side| Curve::of(side.look, side.row, &side.cells, &QUANTITIES)).collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let ends = |curve: &Curve| match (curve.left.first(), curve.left.last()) {
        (Some(first), Some(last)) => {
            format!("{}: the loss goes from {} to {}", curve.title, fixed(first.mean, 3), fixed(last.mean, 3))
        }
        _ => format!("{}: no finite loss", curve.title),
    };
    let alt = format!("{}. {}.", subject(pair), lines.iter().map(ends).collect::<Vec<_>>().join("; "));
    let caption = format!(
        "{}. Curves are means over seeds, bands reach from the lowest to the highest. The losses are different functions: \
         their sizes do not compare.{}",
        subject(pair),
        context.origin(&pair.cells())
    );
    let svg = curves(id, &subject(pair), &QUANTITIES, &lines, &alt)?;
    Ok(Some(Drawn { caption, alt, svg, panels: panels() }))
}
