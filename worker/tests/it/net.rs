//! The networks against torchvision and the initialisers against PyTorch.
//! Expected values: `tests/fixtures/make_net.py`.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use fpl_core::recipe::{Architecture, EfficientNetV2, Family, Initializer, Network, Stem};
use fpl_worker::nn::init;
use fpl_worker::nn::net::{self, Maps, Net, efficientnet, trained};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor, no_grad};

const R18: Network = Network { architecture: Architecture::ResNet18, stem: Stem::Imagenet };
const R18_CIFAR: Network = Network { architecture: Architecture::ResNet18, stem: Stem::Cifar };
const R50: Network = Network { architecture: Architecture::ResNet50, stem: Stem::Imagenet };
const R50_CIFAR: Network = Network { architecture: Architecture::ResNet50, stem: Stem::Cifar };
const EFFICIENT: Network = Network { architecture: Architecture::EfficientNetV2S, stem: Stem::Imagenet };
const EFFICIENT_M: Network = Network { architecture: Architecture::EfficientNetV2M, stem: Stem::Imagenet };
const EFFICIENT_L: Network = Network { architecture: Architecture::EfficientNetV2L, stem: Stem::Imagenet };

/// libtorch's generator is one for the process: tests that draw from it take turns. One thread each, for OpenMP's
/// threads wait for each other by spinning, which is slow when tests run side by side.
pub(crate) fn seeded(seed: i64) -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    let guard = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::set_num_threads(1);
    tch::manual_seed(seed);
    guard
}

#[derive(Deserialize)]
struct Fixture {
    parameters: usize,
    layout: Vec<(String, Vec<i64>)>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    batch: i64,
    size: i64,
    train: bool,
    logits: Vec<f64>,
    #[serde(default)]
    running: BTreeMap<String, [f64; 2]>,
    grads: BTreeMap<String, [f64; 2]>,
    /// How far PyTorch's single precision is from its double precision: logits, running statistics, gradients.
    single: [f64; 3],
}

fn fixture<T: serde::de::DeserializeOwned>(file: &str) -> T {
    let path = format!("{}/tests/fixtures/net/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

const INPUT: u64 = 1_000_000;
const LOGITS: u64 = 2_000_000;
const PROBE: u64 = 3_000_000;

/// `noise` of make_net.py.
fn noise(stream: u64, count: usize) -> Vec<f64> {
    const MASK: u64 = 0xffff_ffff;
    let offset = (stream * 2_246_822_519 + 374_761_393) & MASK;
    let number = |i: u64| {
        let mut h = (i * 2_654_435_761 + offset) & MASK;
        for _ in 0..2 {
            h = ((h ^ h >> 16) * 0x045d_9f3b) & MASK;
        }
        h ^= h >> 16;
        (h >> 8) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..count as u64).map(number).collect()
}

/// `fill` of make_net.py.
pub(crate) fn fill(stream: u64, name: &str, shape: &[i64]) -> Tensor {
    let scale = (3.0 / shape.iter().skip(1).product::<i64>() as f64).sqrt();
    let value = |u: f64| match name.rsplit('.').next() {
        _ if shape.len() > 1 => u * scale,
        Some("running_var") => 1.0 + 0.5 * u,
        Some("weight") => 1.0 + 0.25 * u,
        _ => 0.25 * u,
    };
    let count = shape.iter().product::<i64>() as usize;
    let values: Vec<f32> = noise(stream, count).into_iter().map(|u| value(u) as f32).collect();
    Tensor::from_slice(&values).view(shape)
}

fn fill_all(vs: &VarStore) {
    for (stream, (name, mut variable)) in (0..).zip(vs.variables().into_iter().collect::<BTreeMap<_, _>>()) {
        let value = fill(stream, &name, &variable.size());
        no_grad(|| variable.copy_(&value));
    }
}

fn moments(stream: u64, tensor: &Tensor) -> [f64; 2] {
    let flat = tensor.detach().to_kind(Kind::Double).reshape([-1]);
    let probe = Tensor::from_slice(&noise(PROBE + stream, flat.numel()));
    [flat.norm().double_value(&[]), flat.dot(&probe).double_value(&[])]
}

/// |a − b| / |b| over whole vectors.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |v: f64| v * v;
    let difference: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (difference / b.iter().copied().map(square).sum::<f64>()).sqrt()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).contiguous().view(-1)).unwrap()
}

fn input(case: &Case) -> Tensor {
    let pixels = noise(INPUT, (case.batch * 3 * case.size * case.size) as usize);
    Tensor::from_slice(&pixels).view([case.batch, 3, case.size, case.size])
}

/// For images of 32×32 and an optimizer that leaves weights without a gradient alone.
pub(crate) const MAPS: Maps = Maps { side: 32, decay: false };

/// Builds without the noise of training: no dropout, and a stochastic depth that never happens, so that its branch runs
/// with factors of 1. Draws from the generator.
fn build(network: Network, maps: Maps, kind: Kind) -> (VarStore, Box<dyn Net>) {
    let mut vs = VarStore::new(Device::Cpu);
    vs.set_kind(kind);
    let quiet = efficientnet::Rates { dropout: 0.0, stochastic_depth: 1e-12 };
    let net = match network.architecture.family() {
        Family::EfficientNetV2(size) => {
            efficientnet::build(&vs.root(), size, 10, Initializer::Torchvision, quiet, maps)
        }
        Family::ResNet(_) => net::build(&vs.root(), network, 10, Initializer::Torchvision, maps).unwrap(),
    };
    (vs, net)
}

/// In double precision two correct implementations differ by rounding only, about 1e-15 per operation and amplified by
/// some 50 layers; 1e-9 leaves room for other summation orders and none for other mathematics.
const DOUBLE: f64 = 1e-9;
/// In single precision, as used in training, rounding is about 1e-7 per operation: in evaluation mode logits and the
/// gradient of all parameters come out within 1e-6. With minibatch statistics over 16 numbers, as in the cases, small
/// deviations are divided by, which amplifies that: logits are within 4e-5, running statistics 3e-6, the gradients of
/// ResNet-18 6e-6, EfficientNetV2-S 5e-5 and ResNet-50 1.4e-2. PyTorch's own single precision is as far from its double
/// precision, on each processor tried, so in training mode the measure is that, with room for other processors; likewise
/// where the input of a ReLU rounds to the other side of 0.
const SINGLE: f64 = 1e-5;
const OTHER_PROCESSORS: f64 = 10.0;

/// What a network does to a case.
struct Outcome {
    logits: Vec<f64>,
    /// The batch norms' averages afterwards, by name.
    running: BTreeMap<String, Tensor>,
    /// The gradient of the sum of the logits times fixed noise with respect to each parameter.
    gradients: BTreeMap<String, Tensor>,
}

impl Outcome {
    fn of(vs: &VarStore, net: &dyn Net, case: &Case, kind: Kind) -> Self {
        fill_all(vs);
        let logits = net.forward_t(&input(case).to_kind(kind), case.train);
        let weights = Tensor::from_slice(&noise(LOGITS, logits.numel())).to_kind(kind).view_as(&logits);
        let parameters = trained(net, vs);
        let leaves: Vec<&Tensor> = parameters.values().collect();
        let gradients = Tensor::run_backward(&[(&logits * weights).sum(kind)], &leaves, false, false);
        let variables = vs.variables();
        let running = variables.iter().filter(|(name, _)| name.contains(".running_"));
        Self {
            logits: values(&logits),
            running: running.map(|(name, tensor)| (name.clone(), tensor.copy())).collect(),
            gradients: whole(parameters.into_keys().zip(gradients), &variables),
        }
    }
}

/// Gradients of variables from those of what is trained: taps of a kernel, `NAME.ROW.COLUMN`, are put where they belong,
/// and the rest of the kernel has gradient 0.
fn whole(
    gradients: impl Iterator<Item = (String, Tensor)>,
    variables: &HashMap<String, Tensor>,
) -> BTreeMap<String, Tensor> {
    let mut whole = BTreeMap::new();
    for (name, gradient) in gradients {
        if variables.contains_key(&name) {
            whole.insert(name, gradient);
            continue;
        }
        let mut parts = name.rsplitn(3, '.');
        let (column, row) = (parts.next().unwrap().parse().unwrap(), parts.next().unwrap().parse().unwrap());
        let name = parts.next().unwrap();
        let of_kernel = whole.entry(name.to_owned()).or_insert_with(|| variables[name].detach().zeros_like());
        of_kernel.select(3, column).select(2, row).copy_(&gradient);
    }
    whole
}

fn agrees_with_torchvision(network: Network, file: &str) {
    let _guard = seeded(0);
    let fixture: Fixture = fixture(file);
    for case in &fixture.cases {
        for decay in [false, true] {
            let maps = Maps { side: case.size, decay };
            let what = format!("{file}, train {}, {maps:?}", case.train);
            let (vs, net) = build(network, maps, Kind::Double);
            let layout: BTreeMap<_, _> = vs.variables().into_iter().map(|(name, t)| (name, t.size())).collect();
            assert_eq!(layout.into_iter().collect::<Vec<_>>(), fixture.layout);
            let double = Outcome::of(&vs, net.as_ref(), case, Kind::Double);
            agrees_in_double(&double, case, &what);
            let (vs, net) = build(network, maps, Kind::Float);
            let single = Outcome::of(&vs, net.as_ref(), case, Kind::Float);
            agrees_in_single(&single, &double, case, &what);
        }
    }
    let (vs, _) = build(network, LARGE, Kind::Float);
    assert_eq!(count(&vs), fixture.parameters);
}

/// Maps on which every tap of every kernel meets a pixel.
const LARGE: Maps = Maps { side: 224, decay: false };

fn count(vs: &VarStore) -> usize {
    vs.trainable_variables().iter().map(Tensor::numel).sum()
}

fn agrees_in_double(found: &Outcome, case: &Case, what: &str) {
    let error = distance(&found.logits, &case.logits);
    assert!(error < DOUBLE, "{what}: logits differ by {error:e}");

    // The streams of `noise` are numbered over parameters and averages together.
    let names: BTreeMap<&String, u64> =
        found.running.keys().chain(found.gradients.keys()).map(|name| (name, 0)).collect();
    let streams: BTreeMap<&String, u64> = names.into_keys().zip(0..).collect();
    let compare = |of: &str, found: &BTreeMap<String, Tensor>, expected: &BTreeMap<String, [f64; 2]>| {
        // A shift before a batch norm changes nothing: its gradient is 0, of which both sides have rounding errors only.
        let largest = expected.values().map(|moments| moments[0]).fold(0.0, f64::max);
        for (name, expected) in expected {
            let found = moments(streams[name], &found[name]);
            // The product may cancel, so its error is measured against the norm.
            let error = (found[0] - expected[0]).hypot(found[1] - expected[1]) / expected[0].max(1e-6 * largest);
            assert!(error < DOUBLE, "{what}: {of} of `{name}`: {found:?} instead of {expected:?}, {error:e}");
        }
    };
    assert_eq!(case.running.len(), if case.train { found.running.len() } else { 0 });
    compare("running statistic", &found.running, &case.running);
    assert_eq!(case.grads.len(), found.gradients.len());
    compare("gradient", &found.gradients, &case.grads);
}

/// Logits against the fixture's; averages and gradients, of which the fixture has two numbers each, against our own in
/// double precision, which agree with the fixture.
fn agrees_in_single(found: &Outcome, double: &Outcome, case: &Case, what: &str) {
    let whole = |tensors: &BTreeMap<String, Tensor>| tensors.values().flat_map(values).collect::<Vec<f64>>();
    let errors = [
        ("logits", distance(&found.logits, &case.logits)),
        ("running statistics", distance(&whole(&found.running), &whole(&double.running))),
        ("gradients", distance(&whole(&found.gradients), &whole(&double.gradients))),
    ];
    for ((of, error), pytorchs) in errors.into_iter().zip(case.single) {
        let tolerance = if case.train { OTHER_PROCESSORS * pytorchs } else { SINGLE.max(OTHER_PROCESSORS * pytorchs) };
        assert!(error < tolerance, "{what}: single-precision {of} differ by {error:e}, PyTorch's by {pytorchs:e}");
    }
}

#[test]
fn resnet18_agrees_with_torchvision() {
    agrees_with_torchvision(R18, "resnet18-imagenet.json");
}

#[test]
fn resnet18_with_cifar_stem_agrees_with_torchvision() {
    agrees_with_torchvision(R18_CIFAR, "resnet18-cifar.json");
}

#[test]
fn resnet50_agrees_with_torchvision() {
    agrees_with_torchvision(R50, "resnet50-imagenet.json");
}

#[test]
fn resnet50_with_cifar_stem_agrees_with_torchvision() {
    agrees_with_torchvision(R50_CIFAR, "resnet50-cifar.json");
}

#[test]
fn efficientnetv2_s_agrees_with_torchvision() {
    agrees_with_torchvision(EFFICIENT, "efficientnetv2-s.json");
}

#[test]
fn efficientnetv2_m_agrees_with_torchvision() {
    agrees_with_torchvision(EFFICIENT_M, "efficientnetv2-m.json");
}

/// Its blocks are those of S and M, and its widths and depths are in its number of parameters.
#[test]
#[ignore = "takes minutes and 5 GB"]
fn efficientnetv2_l_agrees_with_torchvision() {
    agrees_with_torchvision(EFFICIENT_L, "efficientnetv2-l.json");
}

/// As torchvision documents them with the thousand classes of ImageNet.
#[test]
fn parameter_counts_are_those_that_torchvision_documents() {
    let _guard = seeded(0);
    for architecture in Architecture::ALL {
        let vs = VarStore::new(Device::Cpu);
        let network = Network { architecture, stem: Stem::Imagenet };
        net::build(&vs.root(), network, 1000, Initializer::Torchvision, LARGE).unwrap();
        assert_eq!(count(&vs) as u64, architecture.parameters(), "{}", architecture.title());
    }
}

#[test]
fn parameter_counts_are_those_published() {
    let _guard = seeded(0);
    // Of the CIFAR networks with ten classes; the others are in torchvision's fixtures.
    let of = |network| count(&build(network, LARGE, Kind::Float).0);
    assert_eq!([of(R18_CIFAR), of(R50_CIFAR)], [11_173_962, 23_520_842]);
}

#[test]
fn efficientnet_has_no_cifar_stem() {
    let vs = VarStore::new(Device::Cpu);
    let network = Network { stem: Stem::Cifar, ..EFFICIENT };
    let error = net::build(&vs.root(), network, 10, Initializer::Torchvision, MAPS).err().unwrap();
    assert_eq!(error.to_string(), "EfficientNetV2-S has no CIFAR stem");
    assert!(vs.is_empty());
}

#[derive(Deserialize)]
struct Draw {
    seed: i64,
    shape: Vec<i64>,
    values: Vec<f64>,
}

#[test]
fn initialisers_draw_what_pytorch_draws_from_the_same_seed() {
    let draws: BTreeMap<String, Draw> = fixture("init.json");
    for (name, Draw { seed, shape, values: expected }) in draws {
        let _guard = seeded(seed);
        let found = match name.as_str() {
            "kaiming" | "depthwise" => init::kaiming_normal_fan_out(&shape),
            "normal" => init::normal(&shape, 0.01),
            "linear" => {
                let (weight, bias) = init::Head::Linear.draw(shape[1], shape[0]);
                Tensor::cat(&[weight.flatten(0, -1), bias], 0)
            }
            other => panic!("no initialiser `{other}`"),
        };
        // Box-Muller goes through vectorised logarithms, whose last bit depends on the CPU.
        let error = distance(&values(&found), &expected);
        assert!(error < 1e-6, "{name}: {error:e}");
    }
}

/// Mean, standard deviation and largest magnitude.
fn spread(tensor: &Tensor) -> (f64, f64, f64) {
    let value = |t: Tensor| t.double_value(&[]);
    (value(tensor.mean(Kind::Double)), value(tensor.std(false)), value(tensor.abs().max()))
}

/// Numbers that the distribution tests look at, of a layer.
const SAMPLE: i64 = 20_000;

/// Kolmogorov's distance √n·sup|F_n − F| of up to `SAMPLE` of a layer's numbers from the distribution function `cdf` is
/// below 2.6, which it exceeds by chance with probability 2·exp(−2·2.6²) = 2.7e-6: over the some 600 layers tested, one
/// in 600 sets of seeds. It sees a standard deviation that is off by 8 % and any other shape.
fn assert_distributed(name: &str, tensor: &Tensor, cdf: impl Fn(&Tensor) -> Tensor) {
    let flat = tensor.detach().to_kind(Kind::Double).flatten(0, -1);
    let step = (flat.numel() as i64 / SAMPLE).max(1);
    let (sorted, _) = flat.slice(0, None, None, step).sort(0, false);
    let n = sorted.numel() as i64;
    // The distances just after and just before each step of the empirical distribution function.
    let after = Tensor::arange_start(1, n + 1, (Kind::Double, Device::Cpu)) / n as f64 - cdf(&sorted);
    let before = 1.0 / n as f64 - &after;
    let largest = after.max().double_value(&[]).max(before.max().double_value(&[]));
    assert!(largest * (n as f64).sqrt() < 2.6, "{name}: Kolmogorov's distance is {}", largest * (n as f64).sqrt());
}

/// N(0, std²), by its shape (see [`assert_distributed`]) and by its moments over all n numbers: the estimated standard
/// deviation has relative error 1/√(2n), the mean std/√n; five of these come by chance with probability 6e-7.
fn assert_normal(name: &str, tensor: &Tensor, std: f64) {
    let n = tensor.numel() as f64;
    let (mean, found, _) = spread(tensor);
    assert!((found / std - 1.0).abs() < 5.0 / (2.0 * n).sqrt(), "{name}: standard deviation {found} instead of {std}");
    assert!(mean.abs() < 5.0 * std / n.sqrt(), "{name}: mean {mean}");
    assert_distributed(name, tensor, |x| ((x / (std * 2f64.sqrt())).erf() + 1.0) / 2.0);
}

/// U(−bound, bound), likewise; the largest of n numbers is within 20/n of the bound.
fn assert_uniform(name: &str, tensor: &Tensor, bound: f64) {
    let n = tensor.numel() as f64;
    let (_, std, largest) = spread(tensor);
    assert!(largest <= bound && largest > bound * (1.0 - 20.0 / n), "{name}: largest {largest} for bound {bound}");
    let expected = bound / 3.0_f64.sqrt();
    assert!((std / expected - 1.0).abs() < 5.0 / n.sqrt(), "{name}: {std} instead of {expected}");
    assert_distributed(name, tensor, |x| (x / bound + 1.0) / 2.0);
}

fn assert_constant(name: &str, tensor: &Tensor, value: f64) {
    assert!(values(tensor).iter().all(|&v| (v - value).abs() < f64::EPSILON), "{name} is not {value}");
}

/// Every convolution N(0, 2/(out·k²)), every bias and running mean 0, every running variance 1, and every norm's weight
/// 1 or, where `last` says so, `last_gamma`. The head is left to the caller.
fn assert_fresh(vs: &VarStore, head: &str, last: fn(&str) -> bool, last_gamma: f64) {
    for (name, tensor) in vs.variables() {
        let shape = tensor.size();
        match name.rsplit('.').next() {
            _ if name.starts_with(head) => {}
            Some("weight") if shape.len() == 4 => {
                assert_normal(&name, &tensor, (2.0 / (shape[0] * shape[2] * shape[3]) as f64).sqrt());
            }
            Some("weight") => assert_constant(&name, &tensor, if last(&name) { last_gamma } else { 1.0 }),
            Some("running_var") => assert_constant(&name, &tensor, 1.0),
            _ => assert_constant(&name, &tensor, 0.0),
        }
    }
}

fn fresh(network: Network, initializer: Initializer, seed: i64) -> VarStore {
    let _guard = seeded(seed);
    let vs = VarStore::new(Device::Cpu);
    net::build(&vs.root(), network, 10, initializer, MAPS).unwrap();
    vs
}

const RESNETS: [(Network, f64); 4] = [(R18, 512.0), (R18_CIFAR, 512.0), (R50, 2048.0), (R50_CIFAR, 2048.0)];

#[test]
fn resnets_start_as_torchvision_starts_them() {
    for (network, features) in RESNETS {
        let vs = fresh(network, Initializer::Torchvision, 5);
        assert_fresh(&vs, "fc.", |_| false, 1.0);
        let variables = vs.variables();
        assert_uniform("fc.weight", &variables["fc.weight"], 1.0 / features.sqrt());
        assert!(spread(&variables["fc.bias"]).2 <= 1.0 / features.sqrt());
        assert!(spread(&variables["fc.bias"]).1 > 0.2 / features.sqrt());
    }
}

#[test]
fn resnets_start_as_mmclassification_starts_them() {
    let last_of_two = |name: &str| name.starts_with("layer") && name.ends_with("bn2.weight");
    let last_of_three = |name: &str| name.ends_with("bn3.weight");
    for (network, _) in RESNETS {
        let basic = network.architecture == Architecture::ResNet18;
        let last = if basic { last_of_two as fn(&str) -> bool } else { last_of_three };
        let vs = fresh(network, Initializer::Mmclassification, 6);
        assert_fresh(&vs, "fc.", last, 0.0);
        assert_normal("fc.weight", &vs.variables()["fc.weight"], 0.01);
        assert_constant("fc.bias", &vs.variables()["fc.bias"], 0.0);
    }
}

#[test]
fn efficientnet_starts_as_torchvision_starts_it() {
    let vs = fresh(EFFICIENT, Initializer::Torchvision, 7);
    assert_fresh(&vs, "classifier.", |_| false, 1.0);
    assert_uniform("classifier.1.weight", &vs.variables()["classifier.1.weight"], 1.0 / 10.0_f64.sqrt());
    assert_constant("classifier.1.bias", &vs.variables()["classifier.1.bias"], 0.0);

    let vs = fresh(EFFICIENT, Initializer::Mmclassification, 7);
    assert_fresh(&vs, "classifier.", |_| false, 1.0);
    assert_normal("classifier.1.weight", &vs.variables()["classifier.1.weight"], 0.01);
    assert_constant("classifier.1.bias", &vs.variables()["classifier.1.bias"], 0.0);
}

/// The bias of `nn.Linear` is U(±1/√inputs) too; a head has ten of them, so here is one with many.
#[test]
fn the_bias_of_a_linear_head_is_uniform() {
    let _guard = seeded(13);
    let (weight, bias) = init::Head::Linear.draw(16, 20_000);
    assert_uniform("weight", &weight, 0.25);
    assert_uniform("bias", &bias, 0.25);
}

#[test]
fn the_seed_determines_the_weights() {
    let first = fresh(R18, Initializer::Torchvision, 8).variables();
    let same = fresh(R18, Initializer::Torchvision, 8).variables();
    let other = fresh(R18, Initializer::Torchvision, 9).variables();
    assert!(first.iter().all(|(name, tensor)| *tensor == same[name]));
    assert!(first["conv1.weight"] != other["conv1.weight"]);
}

#[test]
fn stochastic_depth_drops_images_and_scales_the_rest() {
    let _guard = seeded(10);
    let like = Tensor::zeros([1], (Kind::Double, Device::Cpu));
    for drop in [0.005, 0.1, 0.195] {
        let images = 100_000;
        let mask = efficientnet::survival(images, drop, &like);
        assert_eq!((mask.size(), mask.kind()), (vec![images, 1, 1, 1], Kind::Double));
        let factors = values(&mask);
        let dropped = factors.iter().filter(|&&f| f == 0.0).count() as f64 / images as f64;
        // Five standard deviations of a binomial.
        assert!((dropped - drop).abs() < 5.0 * (drop * (1.0 - drop) / images as f64).sqrt(), "{dropped} for {drop}");
        let survivor = 1.0 / (1.0 - drop);
        assert!(factors.iter().all(|&f| f == 0.0 || (f - survivor).abs() < 1e-6));
    }
}

/// Where the last layer is the identity, the logits are the features that dropout left: each of 81,920 is 0 with
/// probability 0.2, within five standard deviations of a binomial, and otherwise 1/0.8 of what it is without dropout.
#[test]
fn dropout_drops_features_and_scales_the_rest() {
    let _guard = seeded(12);
    let (images, features) = (64, 1280);
    let xs = Tensor::from_slice(&noise(INPUT, 64 * 3 * 32 * 32)).view([images, 3, 32, 32]);
    let logits = |rates| {
        let mut vs = VarStore::new(Device::Cpu);
        vs.set_kind(Kind::Double);
        let net = efficientnet::build(&vs.root(), EfficientNetV2::S, features, Initializer::Torchvision, rates, MAPS);
        fill_all(&vs);
        let mut head = vs.variables();
        let identity = Tensor::eye(features, (Kind::Double, Device::Cpu));
        no_grad(|| {
            head.get_mut("classifier.1.weight").unwrap().copy_(&identity);
            let _ = head.get_mut("classifier.1.bias").unwrap().zero_();
            net.forward_t(&xs, true)
        })
    };
    let dropped = logits(efficientnet::Rates { stochastic_depth: 0.0, ..efficientnet::rates(EfficientNetV2::S) });
    let factors = dropped / logits(efficientnet::Rates { dropout: 0.0, stochastic_depth: 0.0 });
    let each = values(&factors);
    let zeros = each.iter().filter(|&&factor| factor == 0.0).count() as f64;
    let (expected, deviation) = (0.2 * each.len() as f64, (0.2 * 0.8 * each.len() as f64).sqrt());
    assert!((zeros - expected).abs() < 5.0 * deviation, "{zeros} of {}", each.len());
    // libtorch's factor is exact in double precision, the division rounds.
    assert!(each.iter().all(|&factor| factor == 0.0 || (factor - 1.25).abs() < 1e-12));
    assert!(factors.get(0) != factors.get(1), "each image loses its own features");
}

#[derive(Deserialize)]
struct DrawnNoise {
    seed: i64,
    batch: i64,
    size: i64,
    /// By network.
    logits: BTreeMap<String, Vec<f64>>,
}

/// As for training mode in single precision (see [`SINGLE`]); one image more or fewer in one branch changes far more.
const SINGLE_NOISE: f64 = 2e-4;

/// From one seed the same images skip the same blocks and lose the same features as in torchvision: the draws stand in the
/// same places, with the same probabilities and factors.
#[test]
fn dropout_and_stochastic_depth_are_torchvisions() {
    let DrawnNoise { seed, batch, size, logits } = fixture("noise.json");
    let pixels: Vec<f32> = noise(INPUT, (batch * 3 * size * size) as usize).iter().map(|&u| u as f32).collect();
    let xs = Tensor::from_slice(&pixels).view([batch, 3, size, size]);
    for network in [EFFICIENT, EFFICIENT_M, EFFICIENT_L] {
        let (name, expected) = (network.architecture.title(), &logits[network.architecture.id()]);
        let _guard = seeded(0);
        let vs = VarStore::new(Device::Cpu);
        let maps = Maps { side: size, decay: false };
        let net = net::build(&vs.root(), network, 10, Initializer::Torchvision, maps).unwrap();
        let forward = |seed| {
            fill_all(&vs);
            tch::manual_seed(seed);
            values(&no_grad(|| net.forward_t(&xs, true)))
        };
        let error = distance(&forward(seed), expected);
        assert!(error < SINGLE_NOISE, "{name}: logits differ by {error:e}");
        assert!(distance(&forward(seed + 1), expected) > 0.1, "{name}: another seed draws otherwise");
    }
}

#[test]
fn noise_is_for_training_only() {
    let _guard = seeded(11);
    let vs = VarStore::new(Device::Cpu);
    let net = net::build(&vs.root(), EFFICIENT, 10, Initializer::Torchvision, MAPS).unwrap();
    let xs = Tensor::randn([4, 3, 32, 32], (Kind::Float, Device::Cpu));
    let forward = |train| no_grad(|| net.forward_t(&xs, train));
    // Minibatch statistics do not change from one call to the next, so the difference is the noise.
    assert!(forward(true) != forward(true));
    assert!(forward(false) == forward(false));
}

/// The gradient of every variable at 32 pixels, where deep maps are of one pixel: taps that meet no pixel have gradient 0,
/// and for ResNet-18 they are 6.95 million weights: of layer4, 5 of 9 taps of the first kernel (2×2 maps, stride 2) and 8
/// of 9 of three others, 256·512·5 + 3·512·512·8 = 6,946,816.
#[test]
fn most_of_resnet18_is_never_touched_at_32_pixels() {
    let _guard = seeded(0);
    let (vs, net) = build(R18, MAPS, Kind::Float);
    let moved: usize = trained(net.as_ref(), &vs).values().map(Tensor::numel).sum();
    let (all, _) = build(R18, LARGE, Kind::Float);
    assert_eq!(count(&all) - moved, 6_946_816);
}

/// A copy into a variable is a copy into the taps that are trained in its place, and the other way round.
#[test]
fn trained_taps_are_part_of_their_kernel() {
    let _guard = seeded(0);
    let (vs, net) = build(R18, MAPS, Kind::Float);
    let mut variable = vs.variables().remove("layer4.1.conv2.weight").unwrap();
    let mut tap = trained(net.as_ref(), &vs).remove("layer4.1.conv2.weight.1.1").unwrap();
    assert!(!variable.requires_grad() && tap.requires_grad() && tap.is_leaf());
    let _ = no_grad(|| variable.fill_(3.0));
    assert_constant("tap", &tap, 3.0);
    let _ = no_grad(|| tap.fill_(5.0));
    assert_constant("centre", &variable.select(3, 1).select(2, 1), 5.0);
    assert_constant("corner", &variable.select(3, 0).select(2, 0), 3.0);
}
