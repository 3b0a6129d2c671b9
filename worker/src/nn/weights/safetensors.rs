//! The safetensors format (<https://github.com/huggingface/safetensors>): a JSON header, then raw little-endian numbers.

use ::safetensors::{Dtype, SafeTensors, tensor::Metadata};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

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
