//! A module uses only modules above its own: in `lib.rs`, and in every folder the order in which they are declared there.
//!
//! Paths are read from the text: `use` with its groups, and paths in code that begin with `crate`, `self` or `super`. What
//! is not seen: an item that a folder's `mod.rs` re-exports from a module below, and the order of modules that a macro
//! declares (the losses of the worker).

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;
use std::path::Path;

/// A module's place below the crate: `["report", "figure"]`.
type Place = Vec<String>;

/// The modules that every file declares, in its order, by the file's own place.
fn declared(source: &Path) -> BTreeMap<Place, Vec<String>> {
    let module = |line: &str| Some(item(line).strip_prefix("mod ")?.strip_suffix(';')?.to_owned());
    let files = fpl_repro::fs::files_below(source).unwrap();
    let of = |file: std::path::PathBuf| {
        let text = std::fs::read_to_string(source.join(&file)).unwrap();
        (place(&file), text.lines().filter_map(module).collect())
    };
    files.into_iter().map(of).collect()
}

/// A line without its visibility.
fn item(line: &str) -> &str {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix("pub") else { return line };
    let rest = if rest.starts_with('(') { rest.split_once(')').map_or(rest, |(_, rest)| rest) } else { rest };
    rest.trim_start()
}

/// `report/figure/mod.rs` and `report/figure.rs` are both `["report", "figure"]`.
fn place(file: &Path) -> Place {
    let mut place: Place = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if place.last().is_some_and(|last| last == "mod" || last == "lib" && place.len() == 1) {
        place.pop();
    }
    place
}

/// Every path that a file uses, as it is written.
fn used(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect();
    let (mut paths, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let Some(start) = item(line).strip_prefix("use ") else {
            rest.push_str(line);
            rest.push('\n');
            continue;
        };
        let mut tree = start.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().expect("a `use` that ends").trim());
        }
        expand("", tree.split(';').next().unwrap(), &mut paths);
    }
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let words = rest.split(|c: char| !is_path(c));
    paths.extend(words.filter(|word| word.contains("::")).map(str::to_owned));
    paths
}

/// `a::{b, c::{d, e}}` as three paths.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((start, group)) = tree.split_once('{') else {
        paths.push(format!("{before}{}", tree.split(" as ").next().unwrap().trim()));
        return;
    };
    let before = format!("{before}{}", start.trim());
    let (mut depth, mut part) = (0, String::new());
    for character in group[..group.rfind('}').unwrap()].chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, &std::mem::take(&mut part), paths);
                continue;
            }
            _ => {}
        }
        part.push(character);
    }
    if !part.trim().is_empty() {
        expand(&before, part.trim(), paths);
    }
}

/// A path below the crate, seen from a module; `None` if it leads out of the crate or into a declared part of itself.
fn absolute(path: &str, own: &Place) -> Option<Place> {
    let mut parts = path.split("::").peekable();
    let mut base = match *parts.peek()? {
        "crate" => {
            parts.next();
            return Some(parts.map(str::to_owned).collect());
        }
        "self" | "super" => own.clone(),
        _ => return None,
    };
    while let Some(part) = parts.next_if(|part| matches!(*part, "self" | "super")) {
        if part == "super" {
            base.pop();
        }
    }
    base.extend(parts.map(str::to_owned));
    Some(base)
}

/// What is wrong with a tree of modules.
fn faults(source: &Path) -> Vec<String> {
    let declared = declared(source);
    assert!(declared[&Place::new()].len() > 3);
    let mut faults = Vec::new();
    for file in fpl_repro::fs::files_below(source).unwrap() {
        let own = place(&file);
        for path in used(&std::fs::read_to_string(source.join(&file)).unwrap()) {
            let Some(other) = absolute(&path, &own) else { continue };
            let common = own.iter().zip(&other).take_while(|(a, b)| a == b).count();
            let (Some(from), Some(to)) = (own.get(common), other.get(common)) else { continue };
            let order = declared.get(&own[..common]).map(Vec::as_slice).unwrap_or_default();
            let at = |name: &String| order.iter().position(|module| module == name);
            if let (Some(from_at), Some(to_at)) = (at(from), at(to))
                && to_at > from_at
            {
                faults.push(format!("{}: `{from}` uses `{to}`, which is declared below it", file.display()));
            }
        }
    }
    faults
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in ["crates/core/src", "src", "worker/src"] {
        assert_eq!(faults(&root.join(source)), Vec::<String>::new(), "{source}");
    }
}

/// Every way to write a path is seen, at the top and inside of a folder.
#[test]
fn a_module_that_uses_one_below_it_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fpl_repro::fs::write_atomic(&folder.path().join(name), text.as_bytes()).unwrap();
    };
    write("lib.rs", "pub mod a;\npub(crate) mod b;\nmod c;\nmod d;\n");
    write("a.rs", "pub use crate::{c::X, d};\n// crate::b is not used.\nfn f() { crate::b::g() }\n");
    write("b/mod.rs", "mod x;\nmod y;\nuse x::X;\nuse super::a::A;\n");
    write("b/x.rs", "use super::{\n    y::{self, Y},\n    Item,\n};\nuse super::super::d::D;\nuse crate::a::A as B;\n");
    write("b/y.rs", "use super::x::X;\nuse std::fmt;\n");
    for name in ["c.rs", "d.rs"] {
        write(name, "use crate::{a, b::x::X};\n");
    }
    let below = |file: &str, from: &str, to: &str| format!("{file}: `{from}` uses `{to}`, which is declared below it");
    let mut found = faults(folder.path());
    found.sort();
    let expected = [
        below("a.rs", "a", "b"),
        below("a.rs", "a", "c"),
        below("a.rs", "a", "d"),
        below("b/x.rs", "b", "d"),
        below("b/x.rs", "x", "y"),
        below("b/x.rs", "x", "y"),
    ];
    assert_eq!(found, expected);
}
