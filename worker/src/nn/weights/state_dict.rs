//! The zip archive of `torch.save(state_dict)` since PyTorch 1.6: `NAME/data.pkl` describes the tensors and
//! `NAME/data/KEY` holds the numbers of each storage, uncompressed.

use super::pickle::{self, Storage, Value, View};
use super::{Refused, STATE_DICT};
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};
use std::rc::Rc;
use tch::Tensor;
use zip::{CompressionMethod, ZipArchive};

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The tensors by name, or why they are not taken.
///
/// The zip reader verifies checksums: a pickle that comes out of it is what was saved, and if it holds no state dict, then
/// the file is sound and of another kind.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, Refused> {
    let no_archive = |error| Refused::Damaged(format!("not a sound zip archive: {error}"));
    let mut archive = Archive::new(Cursor::new(bytes)).map_err(no_archive)?;
    let pickles: Vec<_> = archive.file_names().filter_map(|name| name.strip_suffix("/data.pkl")).collect();
    let [root] = pickles[..] else {
        return Err(Refused::Foreign("it is a zip archive without the one `data.pkl` of a PyTorch file".to_owned()));
    };
    let root = root.to_owned();
    let has = |archive: &Archive, name: &str| archive.file_names().any(|entry| entry == format!("{root}/{name}"));
    if has(&archive, "constants.pkl") {
        let help = "save its state dict: `torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")`";
        return Err(Refused::Other("it is a TorchScript archive, not a state dict".to_owned(), help.to_owned()));
    }
    if has(&archive, "byteorder")
        && entry(&mut archive, &format!("{root}/byteorder"), bytes.len()).map_err(Refused::Damaged)? != b"little"
    {
        let help = "load it and save it again on a little-endian machine";
        return Err(Refused::Other("its numbers are not little-endian".to_owned(), help.to_owned()));
    }
    let pickle = entry(&mut archive, &format!("{root}/data.pkl"), bytes.len()).map_err(Refused::Damaged)?;
    let views = views(&pickle)?;
    let mut storages = Storages { archive, root, read: HashMap::new(), budget: bytes.len() };
    let mut tensors = BTreeMap::new();
    for (name, view) in views {
        let tensor =
            storages.tensor(&view).map_err(|message| Refused::Damaged(format!("tensor `{name}`: {message}")))?;
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

/// What a state dict's pickle says of its tensors.
fn views(pickle: &[u8]) -> Result<BTreeMap<String, Rc<View>>, Refused> {
    let other = |message: String| Refused::Other(message, STATE_DICT.to_owned());
    let Value::Dict(entries, _) = pickle::run(pickle).map_err(other)? else {
        return Err(other("its pickle is not a dict of tensors".to_owned()));
    };
    if let Some(name) = entries.iter().find_map(|(key, value)| name_of_state_dict(key, value)) {
        let help = format!("save that alone: `torch.save(torch.load(FILE)[\"{name}\"], \"weights.pth\")`");
        return Err(Refused::Other(format!("it is no state dict, but its entry `{name}` is one"), help));
    }
    let mut views = BTreeMap::new();
    for (key, value) in entries.iter() {
        let Value::Text(name) = key else { return Err(other("a key of the state dict is not a text".to_owned())) };
        let Value::Tensor(view) = value else { return Err(other(format!("`{name}` is not a tensor"))) };
        if views.insert(name.to_string(), view.clone()).is_some() {
            return Err(other(format!("tensor `{name}` occurs twice")));
        }
    }
    Ok(views)
}

/// The name, as it can be shown, of an entry that is a state dict itself: of a checkpoint with the epoch and so on.
fn name_of_state_dict(key: &Value, value: &Value) -> Option<String> {
    let (Value::Text(name), Value::Dict(entries, _)) = (key, value) else { return None };
    let tensors = !entries.is_empty() && entries.iter().all(|(_, value)| matches!(value, Value::Tensor(_)));
    tensors.then(|| name.chars().take(40).collect::<String>().escape_debug().to_string())
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
