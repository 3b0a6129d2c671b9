//! Text in XML.

/// Text with U+FFFD for every character that no XML 1.0 document can hold, however it is written
/// (<https://www.w3.org/TR/xml/#charsets>), and for the control characters that one may hold but should not.
pub(super) fn text(text: &str) -> String {
    let fine = |c: char| matches!(c, '\t' | '\n' | '\r') || !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    text.replace(|c: char| !fine(c), "\u{fffd}")
}
