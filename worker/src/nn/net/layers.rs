//! The layers that both families share.

use super::shape::Shape;
use super::small::{Taps, pixels_times};
use crate::nn::init;
use tch::Tensor;
use tch::nn::Path;

/// What layers have to know of their surroundings to choose how they compute.
#[derive(Debug, Clone, Copy)]
pub struct Maps {
    /// Height and width of the maps, at first of the images, in pixels.
    pub side: i64,
    /// Whether the optimizer changes weights that have no gradient, as weight decay does.
    pub decay: bool,
}

/// A convolution without bias, followed by batch normalisation.
#[derive(Debug)]
pub struct ConvBn {
    shape: Shape,
    /// Height and width of the maps that it sees.
    side: i64,
    weight: Tensor,
    bn: BatchNorm,
    form: Form,
}

/// How a convolution is computed. All forms have the same result up to the order of additions.
#[derive(Debug)]
enum Form {
    /// libtorch's `conv2d`.
    Direct,
    /// A 1×1 kernel on small maps: a matrix product over all pixels.
    Pointwise,
    /// A 3×3 kernel on small maps. If the optimizer leaves weights without gradient alone, the taps, views of the weight,
    /// are trained in its place.
    Small { taps: Taps, trained: Vec<Tensor>, name: String },
}

/// Up to this many pixels a side a matrix product is faster than `conv2d` with a 1×1 kernel.
const POINTWISE: i64 = 2;

impl ConvBn {
    /// Draws the convolution under `conv` and the normalisation under `bn`, for maps of `maps.side`, which becomes the
    /// side of the output.
    pub(super) fn new(conv: &Path, bn: &Path, shape: Shape, norm: Norm, maps: &mut Maps) -> Self {
        let Shape { inputs, outputs, kernel, groups, .. } = shape;
        let drawn = init::kaiming_normal_fan_out(&[outputs, inputs / groups, kernel, kernel]);
        let (weight, form) = if let Some(taps) = Taps::new(&shape, maps.side) {
            let weight = variable(conv, "weight", &in_memory(&drawn, [2, 3, 0, 1]), maps.decay);
            let trained = if maps.decay { Vec::new() } else { taps.of(&weight) };
            let trained = trained.into_iter().map(|tap| tap.set_requires_grad(true)).collect();
            let name = conv.components().chain(["weight"]).collect::<Vec<_>>().join(".");
            (weight, Form::Small { taps, trained, name })
        } else {
            let pointwise = kernel == 1 && groups == 1 && maps.side <= POINTWISE;
            let weight = variable(conv, "weight", &channels_last(&drawn), true);
            (weight, if pointwise { Form::Pointwise } else { Form::Direct })
        };
        let side = maps.side;
        maps.side = shape.output_side(side);
        Self { shape, side, weight, bn: BatchNorm::new(bn, outputs, norm), form }
    }

    /// `[n, inputs, h, w]` to `[n, outputs, h', w']`, a new channels-last tensor that the caller may change in place.
    pub(super) fn forward(&self, xs: &Tensor, train: bool) -> Tensor {
        debug_assert_eq!(xs.size()[2], self.side, "the network was built for other maps");
        let Shape { kernel, stride, groups, outputs, .. } = self.shape;
        let pixels = match &self.form {
            Form::Direct => {
                let xs = xs.conv2d(&self.weight, None::<&Tensor>, [stride; 2], [kernel / 2; 2], [1, 1], groups);
                return self.bn.forward(&xs, train);
            }
            Form::Pointwise => {
                let seen = |dim: i64, xs: &Tensor| {
                    if stride == 1 { xs.shallow_clone() } else { xs.slice(dim, None, None, stride) }
                };
                pixels_times(&seen(3, &seen(2, xs)).permute([0, 2, 3, 1]), &self.weight.flatten(1, -1))
            }
            Form::Small { taps, trained, .. } if trained.is_empty() => taps.convolve(xs, &taps.of(&self.weight)),
            Form::Small { taps, trained, .. } => taps.convolve(xs, trained),
        };
        // On a CPU libtorch normalises rows of pixels ten times as fast as maps of one pixel.
        let normalised = self.bn.forward(&pixels.view([-1, outputs]), train);
        normalised.view(pixels.size().as_slice()).permute([0, 3, 1, 2])
    }

    /// The taps that are trained in place of the weight, by name.
    pub(super) fn taps(&self) -> Vec<(String, Tensor)> {
        let Form::Small { taps, trained, name } = &self.form else { return Vec::new() };
        let named = taps.places().zip(trained);
        named.map(|((row, column), tap)| (format!("{name}.{row}.{column}"), tap.shallow_clone())).collect()
    }
}

/// Adds a variable that starts as `value`, in its layout, with the kind and on the device of the `VarStore`.
pub(super) fn variable(path: &Path, name: &str, value: &Tensor, trained: bool) -> Tensor {
    path.add(name, value.to_device(path.device()).to_kind(path.kind()), trained)
}

/// The same numbers with the channels next to each other in memory. Unlike a permutation there and back this also
/// settles the strides of dimensions of size 1, by which libtorch tells the layouts apart.
pub(super) fn channels_last(xs: &Tensor) -> Tensor {
    in_memory(xs, [0, 2, 3, 1])
}

/// The same numbers with the dimensions in this `order` in memory, from the outside in, whatever their sizes.
fn in_memory(xs: &Tensor, order: [i64; 4]) -> Tensor {
    let sizes = xs.size();
    let (mut strides, mut next) = ([0; 4], 1);
    for dim in order.into_iter().rev() {
        strides[dim as usize] = next;
        next *= sizes[dim as usize];
    }
    xs.permute(order).contiguous().as_strided(sizes, strides, None)
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
            weight: variable(path, "weight", &init::constant(&shape, norm.gamma), true),
            bias: variable(path, "bias", &init::constant(&shape, 0.0), true),
            running_mean: variable(path, "running_mean", &init::constant(&shape, 0.0), false),
            running_var: variable(path, "running_var", &init::constant(&shape, 1.0), false),
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
        Self { weight: variable(path, "weight", &weight, true), bias: variable(path, "bias", &bias, true), dropout }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

    use super::*;
    use crate::nn::net::{self, Net};
    use fpl_core::recipe::{Architecture, Initializer, Network, Stem};
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    const NETWORKS: [(Architecture, Stem); 5] = [
        (Architecture::ResNet18, Stem::Imagenet),
        (Architecture::ResNet18, Stem::Cifar),
        (Architecture::ResNet50, Stem::Imagenet),
        (Architecture::ResNet50, Stem::Cifar),
        (Architecture::EfficientNetV2S, Stem::Imagenet),
    ];

    fn network(architecture: Architecture, stem: Stem, maps: Maps) -> (VarStore, Box<dyn Net>) {
        let mut store = VarStore::new(Device::Cpu);
        store.set_kind(Kind::Double);
        let network = Network { architecture, stem };
        let net = net::build(&store.root(), network, 10, Initializer::Torchvision, maps).unwrap();
        (store, net)
    }

    fn is_channels_last(xs: &Tensor) -> bool {
        xs.stride() == channels_last(&xs.detach()).stride()
    }

    /// Whatever its form, a layer of any network takes channels-last maps and gives such: a single one in another layout
    /// makes libtorch fall back to kernels that are several times slower from there on.
    #[test]
    fn every_layer_keeps_the_channels_last() {
        for (architecture, stem) in NETWORKS {
            for side in [32, 64] {
                let (_store, net) = network(architecture, stem, Maps { side, decay: false });
                for conv in net.convolutions() {
                    let xs = Tensor::randn([2, conv.shape.inputs, conv.side, conv.side], (Kind::Double, Device::Cpu));
                    let out = conv.forward(&channels_last(&xs), true);
                    assert!(is_channels_last(&out), "{architecture:?} {stem:?} {side}: {conv:?}");
                    let trained = conv.taps().iter().all(|(_, tap)| tap.is_contiguous());
                    let direct = matches!(conv.form, Form::Direct | Form::Pointwise);
                    assert!(trained && (!direct || is_channels_last(&conv.weight)), "{conv:?}");
                }
            }
        }
    }

    /// Every form against `conv2d` with the whole kernel in double precision: output, and gradients of input and kernel.
    #[test]
    fn every_form_is_the_convolution() {
        let options = (Kind::Double, Device::Cpu);
        for kernel in [1, 3] {
            for (side, stride) in [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (4, 2)] {
                for (groups, decay) in [(1, false), (1, true), (6, false), (6, true)] {
                    let shape = if groups == 1 {
                        Shape::new(6, 5, kernel, stride)
                    } else {
                        Shape::depthwise(6, kernel, stride)
                    };
                    let mut store = VarStore::new(Device::Cpu);
                    store.set_kind(Kind::Double);
                    let (root, mut maps) = (store.root(), Maps { side, decay });
                    let norm = Norm { eps: 1e-5, gamma: 1.0 };
                    let conv = ConvBn::new(&(&root / "conv"), &(&root / "bn"), shape, norm, &mut maps);
                    assert_eq!(maps.side, shape.output_side(side));
                    let xs = channels_last(&Tensor::randn([3, 6, side, side], options)).set_requires_grad(true);
                    let whole = conv.weight.detach().copy().set_requires_grad(true);
                    let expected = xs.conv2d(&whole, None::<&Tensor>, [stride; 2], [kernel / 2; 2], [1, 1], groups);
                    let expected = conv.bn.forward(&expected, true);
                    let found = conv.forward(&xs, true);
                    let probe = Tensor::randn(expected.size().as_slice(), options);
                    let leaves: Vec<Tensor> = match conv.taps() {
                        taps if taps.is_empty() => vec![conv.weight.shallow_clone()],
                        taps => taps.into_iter().map(|(_, tap)| tap).collect(),
                    };
                    let gradients = |out: &Tensor, leaves: &[&Tensor]| {
                        Tensor::run_backward(&[(out * &probe).sum(Kind::Double)], leaves, false, false)
                    };
                    let wanted = gradients(&expected, &[&xs, &whole]);
                    let all: Vec<&Tensor> = std::iter::once(&xs).chain(&leaves).collect();
                    let got = gradients(&found, &all);
                    let close = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]) < 1e-9;
                    let what = format!("kernel {kernel}, side {side}, stride {stride}, groups {groups}, {decay}");
                    assert!(close(&found, &expected), "{what}: output");
                    assert!(close(&got[0], &wanted[0]), "{what}: gradient of the input");
                    let of_kernel = match &conv.form {
                        Form::Small { taps, trained, .. } if !trained.is_empty() => {
                            let of_kernel = wanted[1].zeros_like();
                            for ((row, column), gradient) in taps.places().zip(&got[1..]) {
                                of_kernel.select(3, column).select(2, row).copy_(gradient);
                            }
                            of_kernel
                        }
                        _ => got[1].shallow_clone(),
                    };
                    assert!(close(&of_kernel, &wanted[1]), "{what}: gradient of the kernel");
                }
            }
        }
    }
}
