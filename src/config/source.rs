//! Where every key of the configuration comes from: files with lines, and `--set` options.

mod expected;

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use crate::error::{ConfigPlace, Error, Result};
use crate::fs;

/// Tables whose entries can inherit from another by `base`.
const INHERITING: [&str; 4] = ["datasets", "recipes", "losses", "initializations"];

/// The most tables within each other: far more than there are, and far fewer than would overflow the stack.
const MOST_NESTED: usize = 64;

/// The sources in the order of precedence, the last one first served.
#[derive(Debug, Default)]
pub struct Sources {
    sources: Vec<Source>,
    merged: Table,
}

#[derive(Debug)]
struct Source {
    /// A file or an option.
    place: ConfigPlace,
    /// Text of a file; empty for an option.
    text: String,
    table: Table,
}

impl Sources {
    /// Adds a file over what is there.
    pub fn add_file(&mut self, path: &Path) -> Result<()> {
        let text = fs::read_to_string(path)?;
        self.add_text(&path.display().to_string(), &text)
    }

    /// Adds a file's text over what is there.
    pub fn add_text(&mut self, name: &str, text: &str) -> Result<()> {
        if let Some(line) = text.lines().position(nests_too_deep) {
            return Err(too_deep(ConfigPlace::Line(name.to_owned(), line + 1)));
        }
        let table: Table = text.parse().map_err(|error: toml::de::Error| Error::Config {
            place: match error.span() {
                Some(span) => ConfigPlace::Line(name.to_owned(), line_of(text, span.start)),
                None => ConfigPlace::File(name.to_owned()),
            },
            key: "syntax".into(),
            message: error.message().to_owned(),
            help: "the file must be TOML".into(),
        })?;
        merge(&mut self.merged, &table);
        self.sources.push(Source { place: ConfigPlace::File(name.to_owned()), text: text.to_owned(), table });
        Ok(())
    }

    /// Adds `key.path=value` over what is there.
    pub fn add_set(&mut self, option: &str) -> Result<()> {
        let place = ConfigPlace::Set(option.to_owned());
        let (path, value) = option.split_once('=').ok_or_else(|| Error::Usage {
            message: format!("`--set {option}` has no `=`"),
            help: "write `--set key.path=value`, for example `--set recipes.table2.epochs=2`".into(),
        })?;
        if nests_too_deep(path) || nests_too_deep(value) {
            return Err(too_deep(ConfigPlace::Option("--set".into())));
        }
        let keys = keys_of(path.trim());
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut value = parse_value(value.trim());
        // Inside an array of tables the array is copied first, since arrays are replaced as a whole.
        if let Some(at) = keys.iter().position(|key| key.parse::<usize>().is_ok()) {
            if let Some(mut array) = get(&Value::Table(self.merged.clone()), &keys[..at]).cloned() {
                set_in(&mut array, &keys[at..], value).map_err(|message| Error::Config {
                    place: place.clone(),
                    key: path.to_owned(),
                    message,
                    help: "positions in a list count from 0".into(),
                })?;
                value = array;
            }
            return self.add_set_table(place, &keys[..at], value);
        }
        self.add_set_table(place, &keys, value)
    }

    fn add_set_table(&mut self, place: ConfigPlace, keys: &[&str], value: Value) -> Result<()> {
        if keys.is_empty() || keys.iter().any(|key| key.is_empty()) {
            return Err(Error::Usage {
                message: format!("`{place}`: the key is empty"),
                help: "write `--set key.path=value`".into(),
            });
        }
        let nested =
            keys.iter().rev().fold(value, |inner, key| Value::Table(Table::from_iter([((*key).to_owned(), inner)])));
        if let Value::Table(table) = nested {
            merge(&mut self.merged, &table);
            self.sources.push(Source { place, text: String::new(), table });
        }
        Ok(())
    }

    /// The merged configuration as a typed value.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        serde_path_to_error::deserialize(Value::Table(self.resolved()?)).map_err(|error| {
            let message = error.inner().message().to_owned();
            let path: Vec<String> = error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Map { key } => Some(key.clone()),
                    serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
                    _ => None,
                })
                .collect();
            self.explain(path, &message)
        })
    }

    /// The merged tables, with what entries inherit by `base`.
    fn resolved(&self) -> Result<Table> {
        let mut resolved = self.merged.clone();
        for group in INHERITING {
            let Some(Value::Table(entries)) = self.merged.get(group) else { continue };
            let entry = |name: &String| Ok((name.clone(), self.entry(group, entries, name, &mut Vec::new())?));
            let entries = entries.keys().map(entry).collect::<Result<Table>>()?;
            resolved.insert(group.to_owned(), Value::Table(entries));
        }
        Ok(resolved)
    }

    /// An entry laid on the one that it names as its `base`. `heirs` are those whose base is looked for.
    fn entry<'e>(&self, group: &str, entries: &'e Table, name: &'e str, heirs: &mut Vec<&'e str>) -> Result<Value> {
        let Some(Value::Table(own)) = entries.get(name) else { return Ok(entries[name].clone()) };
        let Some(base) = own.get("base") else { return Ok(Value::Table(own.clone())) };
        let error = |message: String, help: String| Err(self.error(&[group, name, "base"], message, help));
        let Some((base, _)) = base.as_str().and_then(|base| entries.get_key_value(base)) else {
            let wrong = base.as_str().unwrap_or_default();
            let help = nearest_help(wrong, entries.keys().map(String::as_str).filter(|known| *known != name));
            return error(format!("there is no `{group}.{wrong}`"), help);
        };
        heirs.push(name);
        if heirs.contains(&base.as_str()) {
            return error(format!("`{base}` inherits from itself"), "let one of them say everything".into());
        }
        let mut own = own.clone();
        own.remove("base");
        match self.entry(group, entries, base, heirs)? {
            Value::Table(mut inherited) if !changes_kind(&inherited, &own) => {
                merge(&mut inherited, &own);
                Ok(Value::Table(inherited))
            }
            _ => Ok(Value::Table(own)),
        }
    }

    /// An error about a key: where it is, and what is near it.
    fn explain(&self, mut path: Vec<String>, message: &str) -> Error {
        let quoted = quoted(message);
        let help;
        if message.starts_with("unknown field") || message.starts_with("unknown variant") {
            let (wrong, known) = quoted.split_first().map_or(("", &[][..]), |(first, rest)| (*first, rest));
            help = nearest_help(wrong, known.iter().copied());
            if message.starts_with("unknown field") && path.last().map(String::as_str) != Some(wrong) {
                path.push(wrong.to_owned());
            }
        } else if message.starts_with("missing field") {
            if let Some(error) = self.misspelt_entry(&path) {
                return error;
            }
            let missing = quoted.first().copied().unwrap_or_default();
            help = format!("add `{missing} = …`; `pipeline.toml` of the project shows every key");
        } else {
            // serde reads tagged tables as a whole and loses the key.
            path.extend(self.child_that_is(&path, message));
            help = "the key's comment in `pipeline.toml` says what it takes".into();
        }
        let words = expected::in_words(message, path.last().map_or("", String::as_str));
        self.error(&path, words.as_deref().or(message.split(", expected one of").next()).unwrap_or(message), help)
    }

    /// An incomplete entry whose name is nearly that of another, which the first file has: it is misspelt, and not new.
    fn misspelt_entry(&self, path: &[String]) -> Option<Error> {
        let [group, name, ..] = path else { return None };
        let Value::Table(known) = self.sources.first()?.table.get(group)? else { return None };
        let near = (!known.contains_key(name)).then(|| nearest(name, known.keys().map(String::as_str)))??;
        let help = format!("did you mean `{near}`? A new one says everything, or names another as its `base`");
        Some(self.error(&[group, name], format!("there is no `{group}.{name}`"), help))
    }

    /// The child of a table that a type error speaks of, found by its value.
    fn child_that_is(&self, path: &[String], message: &str) -> Option<String> {
        let merged = Value::Table(self.merged.clone());
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let Value::Table(table) = get(&merged, &keys)? else { return None };
        let found: Vec<&String> = table.iter().filter(|(_, value)| names(message, value)).map(|(key, _)| key).collect();
        match found[..] {
            [key] => Some(key.clone()),
            _ => None,
        }
    }

    /// An error about a key, with its place.
    pub(super) fn error(&self, path: &[impl AsRef<str>], message: impl Into<String>, help: impl Into<String>) -> Error {
        let keys: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        let key = if keys.is_empty() { "(top level)".into() } else { keys.join(".") };
        Error::Config { place: self.locate(&keys), key, message: message.into(), help: help.into() }
    }

    /// The line or the option where a key, or the nearest table above it, is set.
    fn locate(&self, keys: &[&str]) -> ConfigPlace {
        for length in (0..=keys.len()).rev() {
            let prefix = &keys[..length];
            for source in self.sources.iter().rev() {
                if get(&Value::Table(source.table.clone()), prefix).is_none() || length == 0 && source.text.is_empty() {
                    continue;
                }
                return match (&source.place, line_of_key(&source.text, prefix)) {
                    (ConfigPlace::File(file), Some(line)) => ConfigPlace::Line(file.clone(), line),
                    (place, _) => place.clone(),
                };
            }
        }
        ConfigPlace::Configuration
    }
}

/// Whether a message is about a value: a type error of serde, or one of our own that quotes a text.
fn names(message: &str, value: &Value) -> bool {
    let quotes = |text: &str| !text.is_empty() && message.contains(&format!("`{text}`"));
    message.contains(&described(value)) || value.as_str().is_some_and(quotes)
}

/// How serde names a value in a type error.
fn described(value: &Value) -> String {
    match value {
        Value::String(text) => format!("string {text:?}"),
        Value::Integer(number) => format!("integer `{number}`"),
        Value::Float(number) => format!("floating point `{number:?}`"),
        Value::Boolean(truth) => format!("boolean `{truth}`"),
        Value::Array(_) => "sequence".into(),
        Value::Table(_) => "map".into(),
        Value::Datetime(_) => "datetime".into(),
    }
}

/// The words between backticks in a message.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// A help text with the most similar valid name, and all of them.
pub(crate) fn nearest_help<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let all = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (nearest(wrong, known.iter().copied()), all.is_empty()) {
        (Some(name), _) => format!("did you mean `{name}`? Valid: {all}"),
        (None, false) => format!("valid: {all}"),
        (None, true) => "there are none".into(),
    }
}

/// The most similar name, if half of it is alike.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (distance, name) = known.map(|name| (strsim::damerau_levenshtein(wrong, name), name)).min()?;
    (distance <= (name.len().max(wrong.len()) / 2).max(1)).then_some(name)
}

/// The keys of `a.b."c.d"`, by TOML's own rules: one with a dot is quoted.
fn keys_of(path: &str) -> Vec<String> {
    let Ok(mut table) = format!("{path} = 0").parse::<Table>() else {
        return path.split('.').map(str::to_owned).collect();
    };
    let mut keys = Vec::new();
    while let Some((key, value)) = table.into_iter().next() {
        keys.push(key);
        table = if let Value::Table(inner) = value { inner } else { Table::new() };
    }
    keys
}

/// Whether a line has a dotted key of more than [`MOST_NESTED`] parts. The parser itself bounds brackets.
fn nests_too_deep(line: &str) -> bool {
    let mut parts = 1;
    let mut empty = true;
    for character in line.chars() {
        match character {
            '.' if empty => parts = 1,
            '.' => (parts, empty) = (parts + 1, true),
            '"' | '\'' | '-' | '_' | ' ' | '\t' => {}
            _ if character.is_alphanumeric() => empty = false,
            _ => (parts, empty) = (1, true),
        }
        if parts > MOST_NESTED {
            return true;
        }
    }
    false
}

fn too_deep(place: ConfigPlace) -> Error {
    Error::Config {
        place,
        key: "syntax".into(),
        message: format!("a key of more than {MOST_NESTED} parts"),
        help: "no key of a configuration has so many".into(),
    }
}

/// TOML, or else a bare word as a string.
fn parse_value(text: &str) -> Value {
    format!("value = {text}")
        .parse::<Table>()
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Lays `over` on `base`: tables are merged, everything else is replaced, and so is a table whose `kind` changes.
fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(old)), Value::Table(new)) if !changes_kind(old, new) => merge(old, new),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

fn changes_kind(old: &Table, new: &Table) -> bool {
    new.get("kind").is_some_and(|kind| old.get("kind").is_some_and(|was| was != kind))
}

fn get<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value, |value, key| match value {
        Value::Table(table) => table.get(*key),
        Value::Array(array) => array.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn set_in(target: &mut Value, keys: &[&str], value: Value) -> Result<(), String> {
    let Some((key, rest)) = keys.split_first() else {
        *target = value;
        return Ok(());
    };
    let child = match target {
        Value::Array(array) => {
            let length = array.len();
            let index = key.parse::<usize>().ok().filter(|index| *index < length);
            &mut array[index.ok_or_else(|| format!("there is no entry `{key}` in this list of {length}"))?]
        }
        Value::Table(table) => table.entry((*key).to_owned()).or_insert(Value::Table(Table::new())),
        _ => return Err(format!("`{key}` is below a plain value")),
    };
    set_in(child, rest, value)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

fn line_of_key(text: &str, keys: &[&str]) -> Option<usize> {
    if text.is_empty() || keys.is_empty() {
        return None;
    }
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut offset = None;
    let mut rest = keys;
    while let Some((key, after)) = rest.split_first() {
        let (name, mut value) = table.iter().find(|(name, _)| name.get_ref() == *key)?;
        offset = Some(name.span().start);
        rest = after;
        while let (DeValue::Array(array), Some((index, after))) = (value.get_ref(), rest.split_first()) {
            value = array.get(index.parse::<usize>().ok()?)?;
            offset = Some(value.span().start);
            rest = after;
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    offset.map(|offset| line_of(text, offset))
}
