//! The layers that both families share.

use crate::nn::init;
use tch::nn::Path;
use tch::{Tensor, no_grad};

/// A convolution without bias, followed by batch normalisation.
#[derive(Debug)]
pub(super) struct ConvBn {
    weight: Tensor,
    bn: BatchNorm,
    stride: i64,
    padding: i64,
    groups: i64,
}

/// The numbers that tell one [`ConvBn`] from another. The padding keeps the size at stride 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) inputs: i64,
    pub(super) outputs: i64,
    pub(super) kernel: i64,
    pub(super) stride: i64,
    pub(super) groups: i64,
}

impl Shape {
    pub(super) fn new(inputs: i64, outputs: i64, kernel: i64, stride: i64) -> Self {
        Self { inputs, outputs, kernel, stride, groups: 1 }
    }

    /// One `kernel`×`kernel` filter per channel.
    pub(super) fn depthwise(channels: i64, kernel: i64, stride: i64) -> Self {
        Self { inputs: channels, outputs: channels, kernel, stride, groups: channels }
    }
}

impl ConvBn {
    /// Draws the convolution under `conv` and the normalisation under `bn`.
    pub(super) fn new(conv: &Path, bn: &Path, shape: Shape, norm: Norm) -> Self {
        let Shape { inputs, outputs, kernel, stride, groups } = shape;
        let weight = init::kaiming_normal_fan_out(&[outputs, inputs / groups, kernel, kernel]);
        Self {
            weight: conv.var_copy("weight", &weight),
            bn: BatchNorm::new(bn, outputs, norm),
            stride,
            padding: kernel / 2,
            groups,
        }
    }

    /// `[n, inputs, h, w]` to `[n, outputs, h', w']`, a new tensor that the caller may change in place.
    pub(super) fn forward(&self, xs: &Tensor, train: bool) -> Tensor {
        let stride = [self.stride; 2];
        let padding = [self.padding; 2];
        let xs = xs.conv2d(&self.weight, None::<&Tensor>, stride, padding, [1, 1], self.groups);
        self.bn.forward(&xs, train)
    }
}

/// What is particular to a family's batch normalisation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm {
    /// Added to the variance.
    pub(super) eps: f64,
    /// Initial weight.
    pub(super) gamma: f64,
}

/// Weight of the minibatch in the running statistics, PyTorch's default, which both families keep.
const MOMENTUM: f64 = 0.1;

#[derive(Debug)]
struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    eps: f64,
}

impl BatchNorm {
    fn new(path: &Path, channels: i64, norm: Norm) -> Self {
        let shape = [channels];
        Self {
            weight: path.var_copy("weight", &init::constant(&shape, norm.gamma)),
            bias: path.var_copy("bias", &init::constant(&shape, 0.0)),
            running_mean: path.zeros_no_train("running_mean", &shape),
            running_var: path.ones_no_train("running_var", &shape),
            eps: norm.eps,
        }
    }

    fn forward(&self, xs: &Tensor, train: bool) -> Tensor {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        let (mean, var) = (Some(&self.running_mean), Some(&self.running_var));
        Tensor::batch_norm(xs, weight, bias, mean, var, train, MOMENTUM, self.eps, true)
    }
}

/// Average over the map, then a linear layer: the head of both families.
#[derive(Debug)]
pub(super) struct Head {
    weight: Tensor,
    bias: Tensor,
    dropout: f64,
}

impl Head {
    pub(super) fn new(path: &Path, features: i64, classes: i64, kind: init::Head, dropout: f64) -> Self {
        let (weight, bias) = kind.draw(features, classes);
        Self { weight: path.var_copy("weight", &weight), bias: path.var_copy("bias", &bias), dropout }
    }

    /// `[n, features, h, w]` to logits `[n, classes]`.
    pub(super) fn forward(&self, xs: &Tensor, train: bool) -> Tensor {
        let features = xs.adaptive_avg_pool2d([1, 1]).flatten(1, -1);
        let features = if train && self.dropout > 0.0 { features.dropout(self.dropout, true) } else { features };
        features.linear(&self.weight, Some(&self.bias))
    }
}

/// SiLU of a tensor that nothing else uses: in place unless a gradient is wanted, for which libtorch would have to copy
/// the input first.
pub(super) fn silu(mut xs: Tensor) -> Tensor {
    if xs.requires_grad() { xs.silu() } else { xs.silu_() }
}

/// Runs `body` on every 4-D variable without recording gradients.
pub(super) fn for_each_filter(vs: &tch::nn::VarStore, mut body: impl FnMut(&mut Tensor)) {
    no_grad(|| vs.variables().into_values().filter(|t| t.dim() == 4).for_each(|mut t| body(&mut t)));
}
