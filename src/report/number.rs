//! Numbers and names as the report writes them.

/// With `decimals` digits, a thousands separator and a true minus sign; `—` if not finite.
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "—".to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if value < 0.0 && !zero { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// As [`fixed`], with a plus sign for positive values.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let positive = value > 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if positive { format!("+{text}") } else { text }
}

/// A p value with four decimals; `< 0.0001` below.
pub fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { fixed(p, 4) }
}

/// `1.23e-5`: for values that differ by orders of magnitude.
pub fn scientific(value: f64) -> String {
    format!("{value:.2e}")
}

/// Text whose negative numbers have a true minus sign: a hyphen that starts a word and stands before a digit.
pub fn true_minus(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let negative =
            character == '-' && matches!(before, ' ' | '(') && characters.peek().is_some_and(char::is_ascii_digit);
        result.push(if negative { '−' } else { character });
        before = character;
    }
    result
}

/// An integer with thousands separators.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// `1 seed`, `5 seeds`.
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `48 s`, `12 min`, `3.4 h`.
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Lower-case letters, digits and hyphens: for anchors and file names.
pub fn slug(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(keep).collect()
}

/// The first ten digits of a fingerprint.
pub fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(10).collect()
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
