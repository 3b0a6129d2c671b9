//! The networks of the paper, with torchvision's layout and parameter names.

mod shape;
mod small;
mod layers;
pub mod efficientnet;
mod resnet;

use std::collections::BTreeMap;

use fpl_core::error::{Error, Result};
use fpl_core::recipe::{Family, Initializer, Network, Shape};
use tch::nn::{ModuleT, Path, VarStore};
use tch::{Device, Tensor};

pub use layers::Maps;

/// A network, made of layers whose trained tensors can be listed.
pub trait Net: ModuleT {
    /// Its convolutions, in the order of the forward pass.
    fn convolutions(&self) -> Vec<&layers::ConvBn>;
}

/// What is trained in `store`, the variables of `net`, sorted by name. Of a kernel on small maps it may be its taps, one by
/// one, as views of the variable.
pub fn trained(net: &dyn Net, store: &VarStore) -> BTreeMap<String, Tensor> {
    let whole = store.variables().into_iter().filter(|(_, tensor)| tensor.requires_grad());
    let convolutions = net.convolutions();
    let taps = convolutions.iter().flat_map(|conv| conv.taps());
    whole.chain(taps).collect()
}

/// A network with weights that are drawn from `seed`. They are drawn on the CPU, so that a GPU starts from the same.
///
/// # Errors
/// As [`build`].
pub fn draw(
    network: Network,
    shape: Shape,
    initializer: Initializer,
    maps: Maps,
    seed: i64,
    device: Device,
) -> Result<(VarStore, Box<dyn Net>)> {
    tch::manual_seed(seed);
    let store = VarStore::new(device);
    let net = build(&store.root(), network, shape.classes as i64, initializer, maps)?;
    Ok((store, net))
}

/// Adds the parameters of `network` under `vs`, with fresh weights, and returns the network.
///
/// Input `[n, 3, h, w]` with h = w = `maps.side`, output logits `[n, classes]`; `forward_t`'s flag turns on minibatch
/// statistics and the noise of training. The names in the `VarStore` are the keys of torchvision's `state_dict`, without
/// `num_batches_tracked`. Weights are drawn on the CPU from libtorch's global generator: call `tch::manual_seed` before.
/// Copy into the variables, but do not exchange their storage: taps that are trained are views of it.
///
/// # Errors
/// EfficientNetV2 has no CIFAR stem.
pub fn build(vs: &Path, network: Network, classes: i64, initializer: Initializer, maps: Maps) -> Result<Box<dyn Net>> {
    let Network { architecture, stem } = network;
    if !architecture.family().has(stem) {
        return Err(Error::Usage {
            message: format!("{} has no CIFAR stem", architecture.title()),
            help: "set the network's `stem` to `imagenet`".to_owned(),
        });
    }
    Ok(match architecture.family() {
        Family::ResNet(depth) => resnet::build(vs, depth, stem, classes, initializer, maps),
        Family::EfficientNetV2(size) => {
            efficientnet::build(vs, size, classes, initializer, efficientnet::rates(size), maps)
        }
    })
}
