//! EfficientNetV2: M. Tan and Q. Le, "EfficientNetV2: Smaller Models and Faster Training", ICML 2021 (arXiv 2104.00298,
//! table 4 for S). Stages of S, M and L, layout and names are torchvision's.

use super::Net;
use super::layers::{ConvBn, Head, Maps, Norm, silu, variable};
use super::shape::Shape;
use crate::nn::init;
use fpl_core::recipe::{EfficientNetV2, Initializer};
use tch::nn::{ModuleT, Path};
use tch::{Kind, Tensor};

/// Blocks of one width. Only the first block of a stage has its stride and changes the number of channels.
#[derive(Debug, Clone, Copy)]
struct Stage {
    /// Expansion by a full convolution (Fused-MBConv); otherwise a 1×1, a depthwise one and squeeze-excitation (MBConv).
    fused: bool,
    expand: i64,
    stride: i64,
    inputs: i64,
    outputs: i64,
    blocks: i64,
}

const fn stage(fused: bool, expand: i64, stride: i64, inputs: i64, outputs: i64, blocks: i64) -> Stage {
    Stage { fused, expand, stride, inputs, outputs, blocks }
}

const S: [Stage; 6] = [
    stage(true, 1, 1, 24, 24, 2),
    stage(true, 4, 2, 24, 48, 4),
    stage(true, 4, 2, 48, 64, 4),
    stage(false, 4, 2, 64, 128, 6),
    stage(false, 6, 1, 128, 160, 9),
    stage(false, 6, 2, 160, 256, 15),
];
const M: [Stage; 7] = [
    stage(true, 1, 1, 24, 24, 3),
    stage(true, 4, 2, 24, 48, 5),
    stage(true, 4, 2, 48, 80, 5),
    stage(false, 4, 2, 80, 160, 7),
    stage(false, 6, 1, 160, 176, 14),
    stage(false, 6, 2, 176, 304, 18),
    stage(false, 6, 1, 304, 512, 5),
];
const L: [Stage; 7] = [
    stage(true, 1, 1, 32, 32, 4),
    stage(true, 4, 2, 32, 64, 7),
    stage(true, 4, 2, 64, 96, 7),
    stage(false, 4, 2, 96, 192, 10),
    stage(false, 6, 1, 192, 224, 19),
    stage(false, 6, 2, 224, 384, 25),
    stage(false, 6, 1, 384, 640, 7),
];

fn stages(size: EfficientNetV2) -> &'static [Stage] {
    match size {
        EfficientNetV2::S => &S,
        EfficientNetV2::M => &M,
        EfficientNetV2::L => &L,
    }
}

/// Every convolution that is not 1×1.
const KERNEL: i64 = 3;
/// Channels that the head sees.
const FEATURES: i64 = 1280;
/// torchvision's epsilon for the V2 models, not PyTorch's default.
const NORM: Norm = Norm { eps: 1e-3, gamma: 1.0 };

/// The noise of training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Probability that a feature of the head's input is zero.
    pub dropout: f64,
    /// Block i of n skips its branch with probability `stochastic_depth`·i/n (Huang et al., 2016), image by image.
    pub stochastic_depth: f64,
}

/// torchvision's rates.
pub fn rates(size: EfficientNetV2) -> Rates {
    let dropout = match size {
        EfficientNetV2::S => 0.2,
        EfficientNetV2::M => 0.3,
        EfficientNetV2::L => 0.4,
    };
    Rates { dropout, stochastic_depth: 0.2 }
}

#[derive(Debug)]
struct EfficientNet {
    stem: ConvBn,
    blocks: Vec<Block>,
    last: ConvBn,
    head: Head,
}

/// Draws an EfficientNetV2 for float input `[n, 3, h, w]`; in training with the noise of `rates`.
pub fn build(
    vs: &Path,
    size: EfficientNetV2,
    classes: i64,
    initializer: Initializer,
    rates: Rates,
    mut maps: Maps,
) -> Box<dyn Net> {
    let stages = stages(size);
    let (first, last) = (&stages[0], &stages[stages.len() - 1]);
    let features = vs / "features";
    let stem = unit(&(&features / 0), Shape::new(3, first.inputs, KERNEL, 2), &mut maps);
    let total: i64 = stages.iter().map(|stage| stage.blocks).sum();
    let mut blocks = Vec::new();
    for (number, &stage) in (1..).zip(stages) {
        let path = &features / number;
        for index in 0..stage.blocks {
            let drop = rates.stochastic_depth * blocks.len() as f64 / total as f64;
            blocks.push(Block::new(&(&path / index), stage, index == 0, drop, &mut maps));
        }
    }
    let last = unit(&(&features / (stages.len() + 1)), Shape::new(last.outputs, FEATURES, 1, 1), &mut maps);
    let head = match initializer {
        Initializer::Torchvision => init::Head::FanOut,
        Initializer::Mmclassification => init::Head::Normal,
    };
    let head = Head::new(&(vs / "classifier" / 1), FEATURES, classes, head, rates.dropout);
    Box::new(EfficientNet { stem, blocks, last, head })
}

/// torchvision's `Conv2dNormActivation`: convolution 0, normalisation 1.
fn unit(path: &Path, shape: Shape, maps: &mut Maps) -> ConvBn {
    ConvBn::new(&(path / 0), &(path / 1), shape, NORM, maps)
}

#[derive(Debug)]
struct Block {
    /// Followed by SiLU.
    activated: Vec<ConvBn>,
    squeeze: Option<SqueezeExcitation>,
    /// The linear 1×1 convolution at the end.
    project: Option<ConvBn>,
    residual: bool,
    drop: f64,
}

impl Block {
    fn new(path: &Path, stage: Stage, first: bool, drop: f64, maps: &mut Maps) -> Self {
        let Stage { fused, expand, outputs, .. } = stage;
        let (inputs, stride) = if first { (stage.inputs, stage.stride) } else { (outputs, 1) };
        let width = inputs * expand;
        let path = path / "block";
        let residual = stride == 1 && inputs == outputs;
        if fused && expand == 1 {
            let only = unit(&(&path / 0), Shape::new(inputs, outputs, KERNEL, stride), maps);
            return Self { activated: vec![only], squeeze: None, project: None, residual, drop };
        }
        let (activated, squeeze) = if fused {
            (vec![unit(&(&path / 0), Shape::new(inputs, width, KERNEL, stride), maps)], None)
        } else {
            let expand = unit(&(&path / 0), Shape::new(inputs, width, 1, 1), maps);
            let depthwise = unit(&(&path / 1), Shape::depthwise(width, KERNEL, stride), maps);
            (vec![expand, depthwise], Some(SqueezeExcitation::new(&(&path / 2), width, inputs / 4)))
        };
        let position = activated.len() + usize::from(squeeze.is_some());
        let project = Some(unit(&(&path / position), Shape::new(width, outputs, 1, 1), maps));
        Self { activated, squeeze, project, residual, drop }
    }

    fn forward(&self, xs: &Tensor, train: bool) -> Tensor {
        let mut out = xs.shallow_clone();
        for conv in &self.activated {
            out = silu(conv.forward(&out, train));
        }
        if let Some(squeeze) = &self.squeeze {
            out = squeeze.forward(&out);
        }
        if let Some(project) = &self.project {
            out = project.forward(&out, train);
        }
        if !self.residual {
            out
        } else if train && self.drop > 0.0 {
            xs.addcmul(&out, &survival(xs.size()[0], self.drop, &out))
        } else {
            out + xs
        }
    }
}

/// Stochastic depth's factor for each of `images` branches, `[images, 1, 1, 1]` with the kind and device of `like`:
/// 0 with probability `drop`, otherwise 1/(1 − `drop`), so that the mean is 1.
pub fn survival(images: i64, drop: f64, like: &Tensor) -> Tensor {
    let keep = 1.0 - drop;
    let mask = Tensor::empty([images, 1, 1, 1], (Kind::Float, like.device())).bernoulli_float_(keep);
    (mask / keep).to_kind(like.kind())
}

/// Scales channels by what the whole map holds (Hu et al., 2018). Its 1×1 convolutions with biases work on one pixel, so
/// they are linear layers.
#[derive(Debug)]
struct SqueezeExcitation {
    squeeze: [Tensor; 2],
    excite: [Tensor; 2],
}

impl SqueezeExcitation {
    fn new(path: &Path, channels: i64, squeezed: i64) -> Self {
        let conv = |name: &str, inputs, outputs| {
            let path = path / name;
            let weight = init::kaiming_normal_fan_out(&[outputs, inputs, 1, 1]);
            let bias = init::constant(&[outputs], 0.0);
            [variable(&path, "weight", &weight, true), variable(&path, "bias", &bias, true)]
        };
        Self { squeeze: conv("fc1", channels, squeezed), excite: conv("fc2", squeezed, channels) }
    }

    fn forward(&self, xs: &Tensor) -> Tensor {
        let linear = |xs: &Tensor, [weight, bias]: &[Tensor; 2]| xs.linear(&weight.flatten(1, -1), Some(bias));
        let squeezed = silu(linear(&xs.mean_dim([2, 3].as_slice(), false, xs.kind()), &self.squeeze));
        xs * linear(&squeezed, &self.excite).sigmoid_().unsqueeze(-1).unsqueeze(-1)
    }
}

impl ModuleT for EfficientNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let mut xs = silu(self.stem.forward(xs, train));
        for block in &self.blocks {
            xs = block.forward(&xs, train);
        }
        self.head.forward(&silu(self.last.forward(&xs, train)), train)
    }
}

impl Net for EfficientNet {
    fn convolutions(&self) -> Vec<&ConvBn> {
        let blocks = self.blocks.iter().flat_map(|block| block.activated.iter().chain(&block.project));
        std::iter::once(&self.stem).chain(blocks).chain([&self.last]).collect()
    }
}
