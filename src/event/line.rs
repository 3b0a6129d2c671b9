//! Live lines that fit a terminal: what there is no room for is cut, and no line wraps.

/// Columns that a bar is worth, with what stands around it.
const BAR: usize = 24;
/// Columns of the text beside it: `epoch 12/20  loss 1.2345  top-1 45.67 %  1234 images/s  ETA 2 h 03 min`.
const TEXT: usize = 72;
/// The least that is left of a name.
const SHORTEST: usize = 12;

/// The name of what runs, and whether there is room for a bar, in so many columns.
pub(super) fn fitted(subject: &str, columns: usize) -> (String, bool) {
    let length = subject.chars().count();
    if length + BAR + TEXT <= columns {
        return (subject.to_owned(), true);
    }
    (shortened(subject, columns.saturating_sub(TEXT).max(SHORTEST)), false)
}

/// The end of a name, which tells cells apart: loss and seed.
fn shortened(subject: &str, most: usize) -> String {
    let length = subject.chars().count();
    if length <= most {
        return subject.to_owned();
    }
    std::iter::once('…').chain(subject.chars().skip(length + 1 - most)).collect()
}

#[cfg(test)]
mod tests {
    use super::fitted;

    #[test]
    fn a_bar_goes_first_and_then_the_beginning_of_the_name() {
        let id = "table2/resnet18/random/fpl/seed0";
        assert_eq!(fitted(id, 200), (id.to_owned(), true));
        assert_eq!(fitted(id, 110), (id.to_owned(), false));
        assert_eq!(fitted(id, 90), ("…/random/fpl/seed0".to_owned(), false));
        let (name, bar) = fitted(id, 80);
        assert_eq!((name.chars().count(), bar), (12, false));
        assert!(name.starts_with('…') && name.ends_with("fpl/seed0"), "{name}");
        assert_eq!(fitted("long-name-of-a-weights-file.pth", 1).0.chars().count(), 12);
    }
}
