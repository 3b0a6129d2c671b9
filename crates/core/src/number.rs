//! Numbers and counted things as people read them: one way to write each, in every form of the report and on the command
//! line.

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

/// A p value after its sign: `p = 0.0625`, `p < 0.0001`.
pub fn p_is(p: f64) -> String {
    let value = p_value(p);
    if value.starts_with('<') { format!("p {value}") } else { format!("p = {value}") }
}

/// `1.23e−5`: for values that differ by orders of magnitude.
pub fn scientific(value: f64) -> String {
    format!("{value:.2e}").replace('-', "−")
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

/// `1 seed`, `5 seeds`, `2 entries`.
pub fn plural(count: usize, noun: &str) -> String {
    let nouns = match noun.strip_suffix('y') {
        _ if count == 1 => noun.to_owned(),
        Some(start) => format!("{start}ies"),
        None => format!("{noun}s"),
    };
    format!("{} {nouns}", self::count(count as u64))
}

/// What a number is of: `1 run`, `mean of 5 runs`.
pub fn mean_of(count: usize, noun: &str) -> String {
    format!("{}{}", if count == 1 { "" } else { "mean of " }, plural(count, noun))
}

/// Things by their numbers: `seed 0`, `seeds 0, 1, 2`.
pub fn listed(noun: &str, numbers: &[u64]) -> String {
    let names: Vec<String> = numbers.iter().map(u64::to_string).collect();
    format!("{noun}{} {}", if numbers.len() == 1 { "" } else { "s" }, names.join(", "))
}

/// A duration: `0.4 s`, `41 s`, `5 min 02 s`, `2 h 03 min`, `5 days 03 h`, `118 days`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "unknown".to_owned();
    }
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3600..172_800 => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        172_800..864_000 => format!("{} days {:02} h", whole / 86_400, whole % 86_400 / 3600),
        _ => format!("{} days", whole / 86_400),
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
