//! `--cells` and `--seeds`.

use std::collections::BTreeSet;

use wildmatch::WildMatch;

use super::Cell;
use crate::error::{Error, Result};
use crate::id::RowId;
use crate::number::plural;

/// Marks the cells that one of the patterns matches; all, if there is no pattern. `*` matches across `/`.
pub(super) fn select(cells: &mut [Cell], patterns: &[String]) -> Result<()> {
    if patterns.is_empty() {
        return Ok(());
    }
    for cell in &mut *cells {
        cell.selected = patterns.iter().any(|pattern| matches(pattern, cell.id.as_str()));
    }
    for pattern in patterns {
        if !cells.iter().any(|cell| matches(pattern, cell.id.as_str())) {
            let rows: BTreeSet<RowId> = cells.iter().map(|cell| cell.id.row()).collect();
            return Err(Error::Usage {
                message: format!("no cell matches `--cells '{pattern}'`"),
                help: format!("write `*` for any part; the cells are {}", listed(&rows)),
            });
        }
    }
    Ok(())
}

/// The rows' cells, as far as they fit on a line or two.
fn listed(rows: &BTreeSet<RowId>) -> String {
    const FEW: usize = 4;
    let mut names: Vec<String> = rows.iter().take(FEW).map(|row| format!("`{row}/seed…`")).collect();
    if rows.len() > FEW {
        names.push(format!("and of {} more (`fpl-repro status` lists all)", plural(rows.len() - FEW, "row")));
    }
    names.join(", ")
}

/// A whole id, a glob, or a prefix that ends at a `/`.
fn matches(pattern: &str, id: &str) -> bool {
    WildMatch::new(pattern).matches(id)
        || id.strip_prefix(pattern.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/'))
}

/// Seeds as `0,1,2`, `0..4` (inclusive) or both.
pub fn parse_seeds(text: &str) -> Result<Vec<u64>, String> {
    let number =
        |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{text}` is not a seed; write `0,1,2` or `0..4`"));
    let mut seeds = Vec::new();
    for part in text.split(',') {
        match part.split_once("..") {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
                if first > last || last - first >= 10_000 {
                    return Err(format!("`{part}` is not a range; `0..4` is 0, 1, 2, 3 and 4"));
                }
                seeds.extend(first..=last);
            }
            None => seeds.push(number(part)?),
        }
    }
    let mut distinct = seeds.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() == seeds.len() { Ok(seeds) } else { Err(format!("`{text}` names a seed twice")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_crosses_slashes_and_a_prefix_selects_what_is_below() {
        let id = "table2/resnet18/random/fpl/seed0";
        assert!(matches("table2/resnet18/*", id));
        assert!(matches("table2/resnet18", id));
        assert!(matches("*/fpl/seed0", id));
        assert!(!matches("table2/resnet1", id));
        assert!(!matches("table3/*", id));
    }

    #[test]
    fn seeds_are_lists_and_inclusive_ranges() {
        assert_eq!(parse_seeds("0..4").expect("valid"), [0, 1, 2, 3, 4]);
        assert_eq!(parse_seeds("0,7, 9").expect("valid"), [0, 7, 9]);
        assert!(parse_seeds("3..1").is_err());
        assert!(parse_seeds("1,1").is_err());
        assert!(parse_seeds("a").is_err());
    }
}
