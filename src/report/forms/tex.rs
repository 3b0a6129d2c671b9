//! What all LaTeX files share: text, numbers and marks that every engine can set, without a package but booktabs.

use std::fmt::Write as _; // Writing to a String cannot fail.

use crate::report::subscript::pieces;

/// Stands for a number that does not exist, so that it cannot slip into prose.
pub(super) const MISSING: &str = r"\textbf{??}";

/// The raw form of it: a number for no program.
pub(super) const MISSING_RAW: &str = "??";

/// What the files need that define macros: whichever of them is read first defines it.
///
/// `\texorpdfstring` is hyperref's: in a section's title a mark would not be allowed for the bookmark.
pub(super) const PREAMBLE: &str = r"
\providecommand{\fplReport}{fpl}
\providecommand{\fplPath}{}
\providecommand{\fplMark}[1]{\ifdefined\texorpdfstring\texorpdfstring{\ensuremath{^{#1}}}{}\else\ensuremath{^{#1}}\fi}
\providecommand{\fplReducedMark}{\fplMark{\dagger}}
\providecommand{\fplImportedMark}{\fplMark{\ddagger}}
\providecommand{\fplWords}[2]{\expandafter\newcommand\csname\fplReport#1\endcsname{#2}}
\providecommand{\fplNumber}[3]{\fplWords{#1}{#2}\fplWords{#1Raw}{#3}}
";

/// Any text as text, the paper's symbols with their subscripts. What pdfTeX's default encoding cannot set becomes `[U+…]`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for (plain, subscript) in pieces(text) {
        escaped.push_str(&characters(plain));
        if !subscript.is_empty() {
            let _ = write!(escaped, r"\ensuremath{{_{{\mathrm{{{subscript}}}}}}}");
        }
    }
    escaped
}

fn characters(text: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str(r"\textbackslash{}"),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '~' => escaped.push_str(r"\textasciitilde{}"),
            '^' => escaped.push_str(r"\textasciicircum{}"),
            '<' => escaped.push_str(r"\ensuremath{<}"),
            '>' => escaped.push_str(r"\ensuremath{>}"),
            '|' => escaped.push_str(r"\ensuremath{|}"),
            '"' => escaped.push_str("''"),
            // What would end a line's command, or make a dash or another quotation mark with what is before it.
            '[' | '*' | '`' => {
                let _ = write!(escaped, "{{{character}}}");
            }
            '-' | '\'' | ',' if before == character => {
                let _ = write!(escaped, "{{}}{character}");
            }
            ' '..='~' => escaped.push(character),
            other => escaped.push_str(&beyond_ascii(other)),
        }
        before = character;
    }
    escaped
}

fn beyond_ascii(character: char) -> String {
    let math = match character {
        '−' => "-",
        '±' => r"\pm",
        '×' => r"\times",
        '·' => r"\cdot",
        '→' => r"\rightarrow",
        '≤' => r"\leq",
        '≥' => r"\geq",
        '≈' => r"\approx",
        '√' => r"\surd",
        'Σ' => r"\Sigma",
        'α' => r"\alpha",
        'λ' => r"\lambda",
        'μ' | 'µ' => r"\mu",
        'σ' => r"\sigma",
        '†' => r"^\dagger",
        '‡' => r"^\ddagger",
        _ => "",
    };
    match character {
        _ if !math.is_empty() => format!(r"\ensuremath{{{math}}}"),
        '–' => "--".into(),
        '—' => "---".into(),
        '‘' => "`{}".into(),
        '’' => "'{}".into(),
        '“' => "``{}".into(),
        '”' => "''{}".into(),
        '…' => r"\dots{}".into(),
        '\u{a0}' => "~".into(),
        '\t' | '\n' | '\r' => " ".into(),
        // Letters of Latin-1 that the old text encoding composes from ASCII and an accent.
        'À'..='ÿ' if !"ÐÞðþ÷".contains(character) => character.into(),
        other => format!("{{[}}U+{:04X}]", u32::from(other)),
    }
}

/// A number as [`crate::number`] writes it, for text and for math: `−1,234.5` becomes `\ensuremath{-}1{,}234.5`, and
/// `1.23e−5` becomes `1.23\ensuremath{\times 10^{-5}}`.
pub(super) fn number(text: &str) -> String {
    let plain = |text: &str| {
        let text = text.replace('−', r"\ensuremath{-}").replace('<', r"\ensuremath{<}");
        text.replace(',', "{,}").replace('—', "---")
    };
    match text.split_once('e') {
        Some((digits, exponent)) => {
            format!(r"{}\ensuremath{{\times 10^{{{}}}}}", plain(digits), exponent.replace('−', "-"))
        }
        None => plain(text),
    }
}

/// The same as digits: `−1,234.5` becomes `-1234.5`, and `1.23e−5` stays `1.23e-5`.
pub(super) fn raw(text: &str) -> String {
    if text == "—" { MISSING_RAW.to_owned() } else { text.replace('−', "-").replace(',', "") }
}

/// Text for a comment: it stays on its line.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// Letters only, for the name of a macro: every part with a capital, and numbers below 100 as words. `table2/resnet18`
/// becomes `TableTwoResnetEighteen`.
pub fn name(text: &str) -> String {
    let mut name = String::new();
    let mut digits = String::new();
    let mut inside = false;
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let after_number = !digits.is_empty();
        name.push_str(&spoken(&std::mem::take(&mut digits)));
        if !character.is_ascii_alphabetic() {
            inside = false;
        } else if inside && !after_number {
            name.push(character.to_ascii_lowercase());
        } else {
            name.push(character.to_ascii_uppercase());
            inside = true;
        }
    }
    name + &spoken(&digits)
}

fn spoken(digits: &str) -> String {
    const SMALL: [&str; 20] = [
        "Zero",
        "One",
        "Two",
        "Three",
        "Four",
        "Five",
        "Six",
        "Seven",
        "Eight",
        "Nine",
        "Ten",
        "Eleven",
        "Twelve",
        "Thirteen",
        "Fourteen",
        "Fifteen",
        "Sixteen",
        "Seventeen",
        "Eighteen",
        "Nineteen",
    ];
    const TENS: [&str; 8] = ["Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"];
    let whole = (digits.len() <= 2 && !digits.starts_with('0')).then(|| digits.parse::<usize>().ok()).flatten();
    match whole {
        Some(small) if small < 20 => SMALL[small].to_owned(),
        Some(number) => {
            let ones = if number % 10 == 0 { "" } else { SMALL[number % 10] };
            format!("{}{ones}", TENS[number / 10 - 2])
        }
        None => digits.bytes().map(|digit| SMALL[usize::from(digit - b'0')]).collect(),
    }
}
