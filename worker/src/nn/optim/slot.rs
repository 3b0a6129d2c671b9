//! A parameter's place in memory and in the optimizer's state.

use tch::Tensor;

/// A parameter, and where its state lies.
///
/// The state of all parameters is flat. Each parameter has a stretch of it, in the parameter's own order of memory.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    /// Its elements fill a stretch of memory, in any order of the dimensions.
    pub(super) parameter: Tensor,
    /// The first element of its state.
    pub(super) start: i64,
}

impl Slot {
    /// Elements.
    pub(super) fn length(&self) -> i64 {
        self.parameter.numel() as i64
    }

    /// Whether `tensor` has the parameter's shape and its elements in the parameter's order.
    pub(super) fn matches(&self, tensor: &Tensor) -> bool {
        let sizes = tensor.size();
        // The stride of a dimension of size 1 says nothing.
        let strides = sizes.iter().zip(tensor.stride()).zip(self.parameter.stride());
        sizes == self.parameter.size() && strides.into_iter().all(|((&size, its), own)| size == 1 || its == own)
    }

    /// `tensor` with its elements in the parameter's order: itself, or a copy.
    pub(super) fn in_order(&self, tensor: &Tensor) -> Tensor {
        if self.matches(tensor) {
            return tensor.shallow_clone();
        }
        let mut copy = Tensor::empty_strided(tensor.size(), self.parameter.stride(), (tensor.kind(), tensor.device()));
        copy.copy_(tensor);
        copy
    }

    /// The elements of a tensor in the parameter's order, as they lie in memory.
    pub(super) fn flat(&self, tensor: &Tensor) -> Tensor {
        self.in_order(tensor).as_strided([self.length()], [1], None)
    }

    /// The parameter's stretch of a flat tensor that begins with element `first` of all, in the parameter's shape, sharing
    /// its memory.
    pub(super) fn shaped(&self, flat: &Tensor, first: i64) -> Tensor {
        let stretch = flat.narrow(0, self.start - first, self.length());
        stretch.as_strided(self.parameter.size(), self.parameter.stride(), None)
    }
}
