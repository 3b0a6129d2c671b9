//! Initial weights, each drawn explicitly.
//!
//! tch's defaults are not PyTorch's (batch-norm weights are U(0, 1) there, convolutions fan-in), so no layer uses them.
//! Everything is drawn on the CPU from libtorch's global generator, seeded by the caller with `tch::manual_seed`:
//! the same seed then gives the same weights on every device.

use tch::{Device, Kind, Tensor};

/// Kaiming-normal (He et al., 2015) with fan-out and the gain √2 of a ReLU: N(0, 2 / (`out` · receptive field)).
///
/// `shape` is that of a convolution, `[out, in / groups, height, width]`. As in PyTorch the fan-out ignores groups, so
/// that a depthwise 3×3 convolution has fan-out 9·`out`.
pub fn kaiming_normal_fan_out(shape: &[i64]) -> Tensor {
    let fan_out = shape.first().copied().unwrap_or(1) * shape.iter().skip(2).product::<i64>();
    normal(shape, (2.0 / fan_out as f64).sqrt())
}

/// N(0, `std`²).
pub fn normal(shape: &[i64], std: f64) -> Tensor {
    empty(shape).normal_(0.0, std)
}

/// U(−`bound`, `bound`).
pub fn uniform(shape: &[i64], bound: f64) -> Tensor {
    empty(shape).uniform_(-bound, bound)
}

/// The same `value` everywhere.
pub fn constant(shape: &[i64], value: f64) -> Tensor {
    empty(shape).fill_(value)
}

fn empty(shape: &[i64]) -> Tensor {
    Tensor::empty(shape, (Kind::Float, Device::Cpu))
}

/// How the classifier, a linear layer, starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// Weight and bias U(±1/√inputs), as PyTorch's `nn.Linear` (torchvision's ResNets).
    Linear,
    /// Weight U(±1/√outputs), bias 0 (torchvision's EfficientNets).
    FanOut,
    /// Weight N(0, 0.01²), bias 0 (MMClassification).
    Normal,
}

impl Head {
    /// Weight `[outputs, inputs]` and bias `[outputs]`.
    pub fn draw(self, inputs: i64, outputs: i64) -> (Tensor, Tensor) {
        let shape = [outputs, inputs];
        match self {
            Self::Linear => {
                let bound = 1.0 / (inputs as f64).sqrt();
                (uniform(&shape, bound), uniform(&[outputs], bound))
            }
            Self::FanOut => (uniform(&shape, 1.0 / (outputs as f64).sqrt()), constant(&[outputs], 0.0)),
            Self::Normal => (normal(&shape, 0.01), constant(&[outputs], 0.0)),
        }
    }
}
