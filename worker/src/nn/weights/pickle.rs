//! The part of Python's pickle (protocol 2, `Lib/pickletools.py`) that a state dict needs, as data.
//!
//! In Python a pickle may call any function. Here the callables are the fixed list in [`Global`], each of which only
//! describes data; any other global is refused by name, and so is every instruction that a state dict does not use.

use std::collections::HashMap;
use std::rc::Rc;
use tch::Kind;

/// A state dict nests three deep; a bound keeps a hostile file from exhausting the stack when values are dropped.
const MAX_DEPTH: u32 = 16;

/// What a pickle evaluates to.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool,
    Int(i64),
    Text(Rc<str>),
    Tuple(Rc<[Value]>, u32),
    Dict(Rc<Vec<(Value, Value)>>, u32),
    Global(Global),
    Storage(Rc<Storage>),
    Tensor(Rc<View>),
}

/// The globals a state dict refers to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Kind),
}

/// A run of numbers in an archive entry of its own.
#[derive(Debug)]
pub(super) struct Storage {
    /// Name of the entry in the archive's `data` folder.
    pub(super) key: Rc<str>,
    pub(super) kind: Kind,
    /// Length in elements.
    pub(super) elements: i64,
}

/// A tensor: a strided view of a storage, in elements.
#[derive(Debug)]
pub(super) struct View {
    pub(super) storage: Rc<Storage>,
    pub(super) offset: i64,
    pub(super) shape: Vec<i64>,
    pub(super) strides: Vec<i64>,
}

/// Runs the pickle in `bytes`; the error says what was refused.
pub(super) fn run(bytes: &[u8]) -> Result<Value, String> {
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    loop {
        let at = machine.at;
        let opcode = machine.byte()?;
        if opcode == b'.' {
            return machine.pop();
        }
        machine.step(opcode).map_err(|message| format!("pickle, byte {at}: {message}"))?;
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
}

impl Machine<'_> {
    fn step(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            0x80 => match self.byte()? {
                2 => {}
                other => return Err(format!("protocol {other} instead of 2")),
            },
            b'N' => self.stack.push(Value::None),
            0x88 | 0x89 => self.stack.push(Value::Bool),
            b'K' => self.integer::<1>()?,
            b'M' => self.integer::<2>()?,
            b'J' => self.integer::<4>()?,
            0x8a => self.long()?,
            b'X' => self.text()?,
            b'c' => self.global()?,
            b'(' => self.marks.push(self.stack.len()),
            b')' => self.tuple(0)?,
            0x85..=0x87 => self.tuple(usize::from(opcode - 0x84))?,
            b't' => {
                let items = self.since_mark()?;
                self.push_tuple(items)?;
            }
            b'}' => self.stack.push(Value::Dict(Rc::default(), 1)),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(vec![key, value])?;
            }
            b'u' => {
                let items = self.since_mark()?;
                self.set_items(items)?;
            }
            b'q' => self.put::<1>()?,
            b'r' => self.put::<4>()?,
            b'h' => self.get::<1>()?,
            b'j' => self.get::<4>()?,
            b'Q' => self.persistent()?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => return Err(format!("instruction {other:#04x} is not one that a state dict needs")),
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| "pickle: it ends in the middle".to_owned())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// `N` little-endian bytes, unsigned.
    fn unsigned<const N: usize>(&mut self) -> Result<u32, String> {
        Ok(self.take(N)?.iter().rev().fold(0, |n, &byte| n << 8 | u32::from(byte)))
    }

    fn pop(&mut self) -> Result<Value, String> {
        // A value below an open mark belongs to the mark.
        match self.marks.last() {
            Some(&mark) if mark >= self.stack.len() => Err("a value is missing on the stack".to_owned()),
            _ => self.stack.pop().ok_or_else(|| "a value is missing on the stack".to_owned()),
        }
    }

    fn since_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing on the stack")?;
        Ok(self.stack.split_off(mark))
    }

    /// One and two bytes are unsigned, four are signed.
    fn integer<const N: usize>(&mut self) -> Result<(), String> {
        let n = self.unsigned::<N>()?;
        self.stack.push(Value::Int(if N == 4 { i64::from(n as i32) } else { i64::from(n) }));
        Ok(())
    }

    fn long(&mut self) -> Result<(), String> {
        let length = usize::from(self.byte()?);
        if length > 8 {
            return Err("an integer of more than 64 bits".to_owned());
        }
        let bytes = self.take(length)?;
        let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [fill; 8];
        wide[..length].copy_from_slice(bytes);
        self.stack.push(Value::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn text(&mut self) -> Result<(), String> {
        let length = self.unsigned::<4>()? as usize;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| "a text is not UTF-8")?.into();
        self.stack.push(Value::Text(text));
        Ok(())
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("a name has no end")?;
        let line = String::from_utf8_lossy(self.take(length + 1)?);
        Ok(line.trim_end_matches('\n').to_owned())
    }

    fn global(&mut self) -> Result<(), String> {
        let (module, name) = (self.line()?, self.line()?);
        let global = match (module.as_str(), name.as_str()) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("torch", "FloatStorage") => Global::Storage(Kind::Float),
            ("torch", "DoubleStorage") => Global::Storage(Kind::Double),
            ("torch", "HalfStorage") => Global::Storage(Kind::Half),
            ("torch", "BFloat16Storage") => Global::Storage(Kind::BFloat16),
            ("torch", "LongStorage") => Global::Storage(Kind::Int64),
            ("torch", "IntStorage") => Global::Storage(Kind::Int),
            ("torch", "ShortStorage") => Global::Storage(Kind::Int16),
            ("torch", "CharStorage") => Global::Storage(Kind::Int8),
            ("torch", "ByteStorage") => Global::Storage(Kind::Uint8),
            ("torch", "BoolStorage") => Global::Storage(Kind::Bool),
            _ => {
                let name: String = format!("{module}.{name}").chars().take(80).collect();
                return Err(format!("it asks for `{}`, which is not a tensor; refused", name.escape_debug()));
            }
        };
        self.stack.push(Value::Global(global));
        Ok(())
    }

    fn tuple(&mut self, length: usize) -> Result<(), String> {
        let items = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
        self.push_tuple(items.into_iter().rev().collect())
    }

    fn push_tuple(&mut self, items: Vec<Value>) -> Result<(), String> {
        let depth = nest(0, &items)?;
        self.stack.push(Value::Tuple(items.into(), depth));
        Ok(())
    }

    /// Appends alternating keys and values to the dict on top of the stack.
    fn set_items(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Value::Dict(mut entries, depth) = self.pop()? else {
            return Err("items are set on something that is not a dict".to_owned());
        };
        if items.len() % 2 == 1 {
            return Err("a key has no value".to_owned());
        }
        let depth = nest(depth - 1, &items)?;
        // The memo never keeps a dict (see `put`), so this is not a copy.
        let into = Rc::make_mut(&mut entries);
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            into.push((key, value));
        }
        self.stack.push(Value::Dict(entries, depth));
        Ok(())
    }

    fn put<const N: usize>(&mut self) -> Result<(), String> {
        let slot = self.unsigned::<N>()?;
        let value = self.stack.last().ok_or("nothing to remember")?;
        // A dict may still grow, and a state dict never comes back to one: a later `get` is refused.
        if !matches!(value, Value::Dict(..)) {
            self.memo.insert(slot, value.clone());
        }
        Ok(())
    }

    fn get<const N: usize>(&mut self) -> Result<(), String> {
        let slot = self.unsigned::<N>()?;
        let value = self.memo.get(&slot).ok_or_else(|| format!("nothing is remembered in slot {slot}"))?;
        self.stack.push(value.clone());
        Ok(())
    }

    /// `('storage', type, key, location, elements)`. The location is a device that we need not have.
    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let storage = match &id {
            Value::Tuple(items, _) => match &items[..] {
                [
                    Value::Text(tag),
                    Value::Global(Global::Storage(kind)),
                    Value::Text(key),
                    Value::Text(_),
                    Value::Int(elements @ 0..),
                ] if &**tag == "storage" => Storage { key: key.clone(), kind: *kind, elements: *elements },
                _ => return Err("a storage is not described as PyTorch does".to_owned()),
            },
            _ => return Err("a storage is not described as PyTorch does".to_owned()),
        };
        self.stack.push(Value::Storage(Rc::new(storage)));
        Ok(())
    }

    /// Calls one of the known globals.
    fn reduce(&mut self) -> Result<(), String> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Value::Tuple(arguments, _) = arguments else { return Err("a call without a tuple".to_owned()) };
        let result = match (callable, &arguments[..]) {
            (Value::Global(Global::OrderedDict), []) => Value::Dict(Rc::default(), 1),
            (Value::Global(Global::RebuildParameter), [tensor @ Value::Tensor(_), ..]) => tensor.clone(),
            (
                Value::Global(Global::RebuildTensor),
                [Value::Storage(storage), Value::Int(offset), Value::Tuple(shape, _), Value::Tuple(strides, _), ..],
            ) => Value::Tensor(Rc::new(View {
                storage: storage.clone(),
                offset: *offset,
                shape: integers(shape)?,
                strides: integers(strides)?,
            })),
            _ => return Err("a call with unexpected arguments; refused".to_owned()),
        };
        self.stack.push(result);
        Ok(())
    }

    /// Attributes of a dict: a state dict's `_metadata`, the versions of its modules, which say nothing about weights.
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        match self.stack.last() {
            Some(Value::Dict(..)) => Ok(()),
            _ => Err("attributes are set on something that is not a dict".to_owned()),
        }
    }
}

/// The depth of a container that was `own` deep below its own level and now also holds `items`.
fn nest(own: u32, items: &[Value]) -> Result<u32, String> {
    let inner = items.iter().map(|item| match item {
        Value::Tuple(_, depth) | Value::Dict(_, depth) => *depth,
        _ => 0,
    });
    match inner.max().unwrap_or(0).max(own) + 1 {
        depth if depth <= MAX_DEPTH => Ok(depth),
        _ => Err("values are nested too deep".to_owned()),
    }
}

fn integers(values: &[Value]) -> Result<Vec<i64>, String> {
    let integer = |value: &Value| match value {
        Value::Int(n @ 0..) => Ok(*n),
        _ => Err("a shape or stride is not a non-negative integer".to_owned()),
    };
    values.iter().map(integer).collect()
}
