//! ResNet-18 and ResNet-50: K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016 (arXiv 1512.03385).
//!
//! Layout and names are torchvision's; a bottleneck has its stride on the 3×3 convolution ("v1.5"). The CIFAR stem is
//! that of MMClassification's `ResNet_CIFAR`.

use super::Net;
use super::layers::{ConvBn, Head, Maps, Norm};
use super::shape::Shape;
use crate::nn::init;
use fpl_core::recipe::{self, Initializer, Stem};
use tch::Tensor;
use tch::nn::{ModuleT, Path};

/// A depth: blocks per layer and their kind.
#[derive(Debug, Clone, Copy)]
struct Depth {
    blocks: [i64; 4],
    bottleneck: bool,
}

fn depth(network: recipe::ResNet) -> Depth {
    match network {
        recipe::ResNet::D18 => Depth { blocks: [2, 2, 2, 2], bottleneck: false },
        recipe::ResNet::D50 => Depth { blocks: [3, 4, 6, 3], bottleneck: true },
    }
}

/// Channels of the stem and of the first layer; each further layer doubles them.
const WIDTH: i64 = 64;
/// Output channels of a bottleneck per inner channel.
const EXPANSION: i64 = 4;
const NORM: Norm = Norm { eps: 1e-5, gamma: 1.0 };
/// The max-pool after the ImageNet stem: 3×3 with stride 2, one pixel of padding.
const POOL: Shape = Shape { inputs: WIDTH, outputs: WIDTH, kernel: 3, stride: 2, groups: WIDTH };

#[derive(Debug)]
struct ResNet {
    stem: ConvBn,
    max_pool: bool,
    blocks: Vec<Block>,
    head: Head,
}

/// Two or three convolutions beside the identity or a 1×1 convolution.
#[derive(Debug)]
struct Block {
    branch: Vec<ConvBn>,
    downsample: Option<ConvBn>,
}

/// Draws a ResNet for float input `[n, 3, h, w]`.
pub(super) fn build(
    vs: &Path,
    network: recipe::ResNet,
    stem: Stem,
    classes: i64,
    initializer: Initializer,
    mut maps: Maps,
) -> Box<dyn Net> {
    let depth = depth(network);
    let (kernel, stride) = match stem {
        Stem::Imagenet => (7, 2),
        Stem::Cifar => (3, 1),
    };
    // MMClassification lets every residual block start as the identity (Goyal et al., 2017, section 5.1).
    let (head, last_gamma) = match initializer {
        Initializer::Torchvision => (init::Head::Linear, 1.0),
        Initializer::Mmclassification => (init::Head::Normal, 0.0),
    };
    let stem_conv = ConvBn::new(&(vs / "conv1"), &(vs / "bn1"), Shape::new(3, WIDTH, kernel, stride), NORM, &mut maps);
    if stem == Stem::Imagenet {
        maps.side = POOL.output_side(maps.side);
    }
    let mut inputs = WIDTH;
    let mut blocks = Vec::new();
    for (layer, &count) in (0..).zip(&depth.blocks) {
        let path = vs / format!("layer{}", layer + 1);
        for index in 0..count {
            let stride = if layer > 0 && index == 0 { 2 } else { 1 };
            let (block, outputs) =
                Block::new(&(&path / index), inputs, WIDTH << layer, stride, depth.bottleneck, last_gamma, &mut maps);
            blocks.push(block);
            inputs = outputs;
        }
    }
    let head = Head::new(&(vs / "fc"), inputs, classes, head, 0.0);
    Box::new(ResNet { stem: stem_conv, max_pool: stem == Stem::Imagenet, blocks, head })
}

impl Block {
    /// The block and the number of its output channels.
    fn new(
        path: &Path,
        inputs: i64,
        width: i64,
        stride: i64,
        bottleneck: bool,
        last_gamma: f64,
        maps: &mut Maps,
    ) -> (Self, i64) {
        let mut maps_beside = *maps;
        let shapes = if bottleneck {
            vec![
                Shape::new(inputs, width, 1, 1),
                Shape::new(width, width, 3, stride),
                Shape::new(width, width * EXPANSION, 1, 1),
            ]
        } else {
            vec![Shape::new(inputs, width, 3, stride), Shape::new(width, width, 3, 1)]
        };
        let outputs = if bottleneck { width * EXPANSION } else { width };
        let last = shapes.len();
        let branch = (1..)
            .zip(shapes)
            .map(|(i, shape)| {
                let norm = if i == last { Norm { gamma: last_gamma, ..NORM } } else { NORM };
                ConvBn::new(&(path / format!("conv{i}")), &(path / format!("bn{i}")), shape, norm, maps)
            })
            .collect();
        let downsample = (stride != 1 || inputs != outputs).then(|| {
            let path = path / "downsample";
            ConvBn::new(&(&path / 0), &(&path / 1), Shape::new(inputs, outputs, 1, stride), NORM, &mut maps_beside)
        });
        (Self { branch, downsample }, outputs)
    }

    // ReLU and the sum work in place: their backward needs at most their result, and that of batch norm its input.
    fn forward(&self, xs: &Tensor, train: bool) -> Tensor {
        let mut out = xs.shallow_clone();
        for (i, conv) in self.branch.iter().enumerate() {
            if i > 0 {
                out = out.relu_();
            }
            out = conv.forward(&out, train);
        }
        out += self.downsample.as_ref().map_or_else(|| xs.shallow_clone(), |conv| conv.forward(xs, train));
        out.relu_()
    }
}

impl ModuleT for ResNet {
    fn forward_t(&self, xs: &Tensor, train: bool) -> Tensor {
        let mut xs = self.stem.forward(xs, train).relu_();
        if self.max_pool {
            xs = xs.max_pool2d([3, 3], [2, 2], [1, 1], [1, 1], false);
        }
        for block in &self.blocks {
            xs = block.forward(&xs, train);
        }
        self.head.forward(&xs, train)
    }
}

impl Net for ResNet {
    fn convolutions(&self) -> Vec<&ConvBn> {
        let blocks = self.blocks.iter().flat_map(|block| block.branch.iter().chain(&block.downsample));
        std::iter::once(&self.stem).chain(blocks).collect()
    }
}
