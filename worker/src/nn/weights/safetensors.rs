//! The safetensors format (<https://github.com/huggingface/safetensors>): a JSON header, then raw little-endian numbers.

use ::safetensors::{Dtype, SafeTensors, View, tensor::Metadata};
use std::borrow::Cow;
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};

/// The tensors by name, or what is wrong.
pub(super) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| cut_off(bytes).unwrap_or_else(|| format!("not a sound safetensors file: {error}")))?;
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            let dtype = view.dtype();
            let kind = kind(dtype).ok_or_else(|| format!("tensor `{name}` has the unsupported type {dtype:?}"))?;
            let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
            let tensor = super::tensor(view.data(), &shape, kind).map_err(|e| format!("tensor `{name}`: {e}"))?;
            Ok((name, tensor))
        })
        .collect()
}

/// Where a file with a whole header ends too early, if it does.
fn cut_off(bytes: &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header: Metadata = serde_json::from_slice(header).ok()?;
    let tensors = header.tensors();
    let first =
        tensors.iter().filter(|(_, info)| info.data_offsets.1 > data.len()).min_by_key(|(_, info)| info.data_offsets);
    let (name, info) = first?;
    let (found, expected) = (data.len(), header.data_len());
    Some(format!("it ends before the end of tensor `{name}`, shape {:?}: {found} of {expected} bytes", info.shape))
}

/// The content of a file, or what cannot be in one.
pub(super) fn to_bytes(tensors: &[(String, Tensor)]) -> Result<Vec<u8>, String> {
    let stored = tensors.iter().map(|(name, tensor)| Ok((name, Stored::new(tensor)?)));
    let stored: Vec<(&String, Stored)> = stored.collect::<Result<_, String>>()?;
    ::safetensors::serialize(stored, None).map_err(|error| error.to_string())
}

/// A tensor as the format takes it; its numbers are copied one tensor at a time.
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    tensor: Tensor,
}

impl Stored {
    fn new(tensor: &Tensor) -> Result<Self, String> {
        let kinds = [Dtype::F64, Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::I64, Dtype::I32, Dtype::U8];
        let dtype = kinds.into_iter().find(|&dtype| kind(dtype) == Some(tensor.kind()));
        let dtype = dtype.ok_or_else(|| format!("{:?} is not a kind of the format", tensor.kind()))?;
        let shape = tensor.size().iter().map(|&d| d as usize).collect();
        Ok(Self { dtype, shape, tensor: tensor.shallow_clone() })
    }
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = vec![0; self.data_len()];
        let tensor = self.tensor.to_device(Device::Cpu).contiguous();
        tensor.copy_data_u8(&mut bytes, tensor.numel());
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        self.tensor.numel() * self.tensor.kind().elt_size_in_bytes()
    }
}

fn kind(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::F64 => Kind::Double,
        Dtype::F32 => Kind::Float,
        Dtype::F16 => Kind::Half,
        Dtype::BF16 => Kind::BFloat16,
        Dtype::I64 => Kind::Int64,
        Dtype::I32 => Kind::Int,
        Dtype::U8 => Kind::Uint8,
        _ => return None,
    })
}
