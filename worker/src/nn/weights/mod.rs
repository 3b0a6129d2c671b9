//! Reads weights files and loads them into a network.
//!
//! Two formats, told apart by content: safetensors, and the zip archive of `torch.save(model.state_dict())`
//! (torchvision's `.pth`). The latter holds a pickle, a program for a small machine; [`pickle`] runs only the
//! instructions that a state dict needs and refuses everything else, so no file can make us run code.

mod pickle;
mod safetensors;
mod state_dict;

use crate::error::torch;
use fpl_core::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tch::nn::VarStore;
use tch::{Kind, Tensor};

const DAMAGED: &str = "the file is damaged: delete it and download it again";
const FOREIGN: &str = "it is no weights file: check its address or `path`";
const STATE_DICT: &str = "save the state dict alone: `torch.save(model.state_dict(), \"weights.pth\")`";
const PARALLEL: &str =
    "its names begin with `module.`, as `nn.DataParallel` has them: save `model.module.state_dict()`";
const OTHER: &str =
    "use weights of this network, with torchvision's parameter names, or list what does not fit in the file's `drop`";
/// The first bytes of a `torch.save` before PyTorch 1.6: protocol 2, then the pickled magic number.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// All tensors of a weights file by name, on the CPU, with the kinds and shapes they have in the file.
///
/// # Errors
/// The file cannot be read, is neither format, is damaged, or its pickle asks for something other than tensors.
pub fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    parse(&std::fs::read(path).map_err(Error::io("read", path))?, path)
}

/// As [`read`], of the content of a file that is called `path`.
///
/// # Errors
/// As those of [`read`] about the content.
pub fn parse(bytes: &[u8], path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let tensors = if bytes.starts_with(b"PK\x03\x04") {
        state_dict::parse(bytes)
    } else if bytes.starts_with(LEGACY) {
        let help = "load it with `torch.load` and save it again with PyTorch 1.6 or newer";
        Err(Refused::Other("it is in the format of PyTorch before 1.6, which is not supported".into(), help.into()))
    } else if bytes.get(8) == Some(&b'{') {
        safetensors::parse(bytes).map_err(Refused::Damaged)
    } else {
        Err(Refused::Foreign("it is neither a safetensors file nor a PyTorch state dict".into()))
    };
    tensors.map_err(|refused| match refused {
        Refused::Damaged(message) => Error::data(path, message, DAMAGED),
        Refused::Other(message, help) => Error::data(path, message, help),
        Refused::Foreign(message) => Error::data(path, message, FOREIGN),
    })
}

/// Why a file's content is not taken.
#[derive(Debug)]
enum Refused {
    /// It is not as it was written.
    Damaged(String),
    /// It is sound, and of PyTorch, but no state dict: what it is, and how to get one.
    Other(String, String),
    /// It is something else.
    Foreign(String),
}

/// The content of a safetensors file with these tensors, from any device and in any layout.
///
/// # Errors
/// A tensor is of a kind that the format does not know.
pub fn to_bytes(tensors: &[(String, Tensor)]) -> Result<Vec<u8>> {
    safetensors::to_bytes(tensors).map_err(|message| Error::Render { what: "a safetensors file".into(), message })
}

/// Copies `tensors`, read from `path`, into the variables of the same names.
///
/// Variables whose names start with one of `drop` (a head: `"fc."`, `"classifier.1."`) keep their values, and such
/// tensors are ignored, as is `num_batches_tracked`, which matters only to a batch norm without momentum. Everything is
/// checked before the first variable changes.
///
/// # Errors
/// A tensor is missing, unexpected, of the wrong shape, not of floating point or not finite.
pub fn load(vs: &VarStore, tensors: &BTreeMap<String, Tensor>, drop: &[String], path: &Path) -> Result<()> {
    let dropped = |name: &str| drop.iter().any(|prefix| name.starts_with(prefix));
    let variables: BTreeMap<_, _> = vs.variables().into_iter().filter(|(name, _)| !dropped(name)).collect();
    let ignored = |name: &str| name.ends_with(".num_batches_tracked") || dropped(name);
    let offered: BTreeSet<_> = tensors.keys().filter(|name| !ignored(name)).collect();

    if let Some(name) = offered.iter().find(|name| !variables.contains_key(**name)) {
        let found = tensors[*name].size();
        let message = format!("unexpected tensor `{name}` of shape {found:?}: the network has none of this name");
        return Err(Error::data(path, message, if name.starts_with("module.") { PARALLEL } else { OTHER }));
    }
    copy(variables, tensors, path)
}

/// Copies `tensors`, read from `path`, into `variables` of the same names; further tensors are ignored.
///
/// # Errors
/// As those of [`load`] about a single tensor; then nothing has changed.
pub fn copy(
    variables: impl IntoIterator<Item = (String, Tensor)>,
    tensors: &BTreeMap<String, Tensor>,
    path: &Path,
) -> Result<()> {
    let variables: Vec<_> = variables.into_iter().collect();
    for (name, variable) in &variables {
        let Some(tensor) = tensors.get(name) else {
            let expected = variable.size();
            return Err(Error::data(path, format!("missing tensor `{name}`, expected shape {expected:?}"), OTHER));
        };
        check(name, &variable.size(), tensor).map_err(|(message, help)| Error::data(path, message, help))?;
    }
    for (name, mut variable) in variables {
        tch::no_grad(|| variable.f_copy_(&tensors[&name])).map_err(torch)?;
    }
    Ok(())
}

/// Message and help about the first thing wrong with a tensor for a variable of `shape`.
fn check(name: &str, shape: &[i64], tensor: &Tensor) -> Result<(), (String, &'static str)> {
    let found = tensor.size();
    if found != shape {
        return Err((format!("tensor `{name}`: expected shape {shape:?}, found {found:?}"), OTHER));
    }
    let kind = tensor.kind();
    if !matches!(kind, Kind::Float | Kind::Double | Kind::Half | Kind::BFloat16) {
        return Err((format!("tensor `{name}`: expected floating-point numbers, found {kind:?}"), OTHER));
    }
    let finite = tensor.f_isfinite().and_then(|finite| finite.f_all()).and_then(|all| all.f_int64_value(&[]));
    match finite {
        Ok(1) => Ok(()),
        Ok(_) => Err((format!("tensor `{name}` of shape {shape:?} holds NaN or infinity"), DAMAGED)),
        Err(error) => Err((format!("tensor `{name}`: {error}"), DAMAGED)),
    }
}

/// A tensor of `kind` from its little-endian bytes; the lengths must agree.
fn tensor(bytes: &[u8], shape: &[i64], kind: Kind) -> Result<Tensor, String> {
    let elements = shape.iter().try_fold(1_i64, |n, &d| if d < 0 { None } else { n.checked_mul(d) });
    let expected = elements.and_then(|n| usize::try_from(n).ok()?.checked_mul(kind.elt_size_in_bytes()));
    if expected != Some(bytes.len()) {
        return Err(format!("{} bytes do not make a {kind:?} tensor of shape {shape:?}", bytes.len()));
    }
    Tensor::f_from_data_size(bytes, shape, kind).map_err(|error| error.to_string())
}
