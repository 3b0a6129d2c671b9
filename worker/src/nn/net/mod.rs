//! The networks of the paper, with torchvision's layout and parameter names.

pub mod efficientnet;
mod layers;
mod resnet;

use fpl_repro::error::{Error, Result};
use fpl_repro::recipe::{Architecture, Initializer, Network, Stem};
use tch::Tensor;
use tch::nn::{ModuleT, Path, VarStore};

/// Adds the parameters of `network` under `vs`, with fresh weights, and returns the network.
///
/// Input `[n, 3, h, w]`, output logits `[n, classes]`; `forward_t`'s flag turns on minibatch statistics and the noise
/// of training. The names in the `VarStore` are the keys of torchvision's `state_dict`, without `num_batches_tracked`.
/// Weights are drawn from libtorch's global generator: call `tch::manual_seed` before.
///
/// # Errors
/// EfficientNetV2-S has no CIFAR stem.
pub fn build(vs: &Path, network: Network, classes: i64, initializer: Initializer) -> Result<Box<dyn ModuleT>> {
    let Network { architecture, stem } = network;
    match (architecture, stem) {
        (Architecture::ResNet18, _) => Ok(resnet::build(vs, resnet::RESNET18, stem, classes, initializer)),
        (Architecture::ResNet50, _) => Ok(resnet::build(vs, resnet::RESNET50, stem, classes, initializer)),
        (Architecture::EfficientNetV2S, Stem::Imagenet) => {
            Ok(efficientnet::build(vs, classes, initializer, efficientnet::RATES))
        }
        (Architecture::EfficientNetV2S, Stem::Cifar) => Err(Error::Usage {
            message: format!("{} has no CIFAR stem", architecture.title()),
            help: "set the network's `stem` to `imagenet`".to_owned(),
        }),
    }
}

/// Stores all convolution weights channels-last. Names, values and gradients' meaning stay the same, and the layers see
/// the change: the tensors keep their identity and only their storage is exchanged.
///
/// Call it after the weights are loaded and before the first step. A convolution with such weights lays out its input
/// likewise, so the network takes images in any layout. It is faster for all of the networks, also on a CPU.
pub fn channels_last(vs: &VarStore) {
    layers::for_each_filter(vs, |weight| {
        let restrided = channels_last_input(&weight.detach());
        weight.set_data(&restrided);
    });
}

/// The same `[n, c, h, w]` with the channels next to each other in memory.
pub fn channels_last_input(xs: &Tensor) -> Tensor {
    xs.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
}
