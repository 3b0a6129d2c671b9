//! The zip archive of `torch.save(state_dict)` since PyTorch 1.6: `NAME/data.pkl` describes the tensors and
//! `NAME/data/KEY` holds the numbers of each storage, uncompressed.

use super::pickle::{self, Storage, Value, View};
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::rc::Rc;
use tch::Tensor;
use zip::{CompressionMethod, ZipArchive};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The tensors by name, or what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let mut archive = Archive::new(Cursor::new(bytes)).map_err(|error| format!("not a sound zip archive: {error}"))?;
    let pickles: Vec<_> = archive.file_names().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
    let [root] = pickles[..] else {
        return Err("the zip archive is not a PyTorch state dict: it has no single `data.pkl`".to_owned());
    };
    let root = root.to_owned();
    let byte_order = format!("{root}/byteorder");
    if archive.file_names().any(|name| name == byte_order)
        && entry(&mut archive, &byte_order, bytes.len())? != b"little"
    {
        return Err("its numbers are not little-endian".to_owned());
    }
    let dict = pickle::run(&entry(&mut archive, &format!("{root}/data.pkl"), bytes.len())?)?;
    let Value::Dict(entries, _) = dict else {
        return Err("its pickle is not a dict of tensors".to_owned());
    };
    let mut storages = Storages { archive, root, read: HashMap::new(), budget: bytes.len() };
    let mut tensors = BTreeMap::new();
    for (key, value) in entries.iter() {
        let Value::Text(name) = key else { return Err("a key of the state dict is not a text".to_owned()) };
        let Value::Tensor(view) = value else { return Err(format!("`{name}` is not a tensor")) };
        let tensor = storages.tensor(view).map_err(|message| format!("tensor `{name}`: {message}"))?;
        if tensors.insert(name.to_string(), tensor).is_some() {
            return Err(format!("tensor `{name}` occurs twice"));
        }
    }
    Ok(tensors)
}

/// The content of an uncompressed entry of at most `whole` bytes; the zip reader verifies its checksum.
fn entry(archive: &mut Archive, name: &str, whole: usize) -> Result<Vec<u8>, String> {
    let whole = whole as u64;
    let file = archive.by_name(name).map_err(|error| format!("entry `{name}`: {error}"))?;
    if file.compression() != CompressionMethod::Stored {
        return Err(format!("entry `{name}` is compressed, which PyTorch never does"));
    }
    if file.size() > whole {
        return Err(format!("entry `{name}` is larger than what is left of the file"));
    }
    let mut content = Vec::with_capacity(file.size() as usize);
    file.take(whole).read_to_end(&mut content).map_err(|error| format!("entry `{name}`: {error}"))?;
    Ok(content)
}

struct Storages<'a> {
    archive: Archive<'a>,
    root: String,
    /// One-dimensional tensors by key; tensors may share a storage.
    read: HashMap<Rc<str>, Tensor>,
    /// Bytes that may still be read: entries that overlap in the file could otherwise multiply.
    budget: usize,
}

impl Storages<'_> {
    fn tensor(&mut self, view: &View) -> Result<Tensor, String> {
        let View { storage, offset, shape, strides } = view;
        if shape.len() != strides.len() || !fits(view) {
            return Err(format!("shape {shape:?} with strides {strides:?} does not fit its storage"));
        }
        let numbers = self.storage(storage)?;
        numbers.f_as_strided(shape, strides, *offset).map_err(|error| error.to_string())
    }

    fn storage(&mut self, storage: &Storage) -> Result<Tensor, String> {
        if let Some(tensor) = self.read.get(&storage.key) {
            let same = tensor.kind() == storage.kind && tensor.numel() as i64 == storage.elements;
            return if same { Ok(tensor.shallow_clone()) } else { Err("its storage has two types".to_owned()) };
        }
        let bytes = entry(&mut self.archive, &format!("{}/data/{}", self.root, storage.key), self.budget)?;
        self.budget -= bytes.len();
        let tensor = super::tensor(&bytes, &[storage.elements], storage.kind)?;
        self.read.insert(storage.key.clone(), tensor.shallow_clone());
        Ok(tensor)
    }
}

/// Whether the view lies in its storage and has no more elements than it.
fn fits(view: &View) -> bool {
    let View { storage, offset, shape, strides } = view;
    if *offset < 0 {
        return false;
    }
    let elements = shape.iter().try_fold(1_i64, |n, &d| n.checked_mul(d));
    if elements == Some(0) {
        return *offset <= storage.elements;
    }
    let last = shape.iter().zip(strides).try_fold(*offset, |at, (&d, &s)| at.checked_add((d - 1).checked_mul(s)?));
    elements.is_some_and(|n| n <= storage.elements) && last.is_some_and(|at| at < storage.elements)
}
