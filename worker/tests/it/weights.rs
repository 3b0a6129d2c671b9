//! Weights files. The files: `tests/fixtures/make_net.py`, written by PyTorch and the safetensors library.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use crate::net::{MAPS, fill, seeded};
use flate2::read::GzDecoder;
use fpl_core::error::{Error, Result};
use fpl_core::recipe::{Architecture, Initializer, Network, Stem};
use fpl_worker::nn::{net, weights};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use tch::nn::{Init, VarStore};
use tch::{Device, Kind, Tensor};
use zip::{CompressionMethod, ZipWriter, write::FileOptions};

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/net").join(file)
}

/// The small network whose weights the fixtures hold, all zero.
fn small() -> VarStore {
    let vs = VarStore::new(Device::Cpu);
    let zero = Init::Const(0.0);
    let (conv, bn, fc) = (vs.root() / "conv", vs.root() / "bn", vs.root() / "fc");
    let _ = conv.var("weight", &[3, 2, 3, 3], zero);
    for name in ["weight", "bias"] {
        let _ = bn.var(name, &[3], zero);
    }
    for name in ["running_mean", "running_var"] {
        let _ = bn.zeros_no_train(name, &[3]);
    }
    let _ = fc.var("weight", &[2, 4], zero);
    let _ = fc.var("bias", &[2], zero);
    vs
}

fn sorted(vs: &VarStore) -> BTreeMap<String, Tensor> {
    vs.variables().into_iter().collect()
}

fn load(vs: &VarStore, tensors: &BTreeMap<String, Tensor>, drop: &[&str]) -> Result<()> {
    let drop: Vec<_> = drop.iter().map(|&prefix| prefix.to_owned()).collect();
    weights::load(vs, tensors, &drop, Path::new("some.pth"))
}

/// Message and help of a failure, which must be one about the file.
fn refused<T>(result: Result<T>) -> (String, String) {
    let error = result.err().expect("it must be refused");
    assert!(matches!(error, Error::Data { .. }), "{error:?}");
    assert!(!error.help().is_empty());
    (error.to_string(), error.help().to_owned())
}

fn read_bytes(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("weights.pth");
    std::fs::write(&path, bytes).unwrap();
    weights::read(&path)
}

#[test]
fn both_formats_hold_what_pytorch_saved() {
    for file in ["model.pth", "model.safetensors"] {
        let tensors = weights::read(&fixture(file)).unwrap();
        let counted = &tensors["bn.num_batches_tracked"];
        assert_eq!((counted.kind(), counted.size()), (Kind::Int64, vec![]));
        let vs = small();
        load(&vs, &tensors, &[]).unwrap();
        for (stream, (name, variable)) in (0..).zip(sorted(&vs)) {
            assert_eq!(variable, fill(stream, &name, &variable.size()), "{file}: {name}");
        }
        assert_eq!(vs.trainable_variables().len(), 5);
        assert!(vs.trainable_variables().iter().all(|t| t.requires_grad() && t.is_leaf()));
    }
}

#[test]
fn the_format_is_told_by_content() {
    let tensors = read_bytes(&std::fs::read(fixture("model.safetensors")).unwrap()).unwrap();
    assert_eq!(tensors.len(), 8);
}

#[test]
fn every_kind_of_tensor_is_read() {
    let tensors = weights::read(&fixture("kinds.pth")).unwrap();
    let base = Tensor::arange(24, (Kind::Float, Device::Cpu));
    assert_eq!(tensors["transposed"], base.view([4, 6]).tr());
    assert_eq!(tensors["shared"], base.narrow(0, 6, 6).view([2, 3]));
    assert_eq!(tensors["parameter"], base.narrow(0, 0, 2));
    for (name, kind) in [("half", Kind::Half), ("bfloat16", Kind::BFloat16), ("double", Kind::Double)] {
        assert_eq!(tensors[name], base.narrow(0, 0, 3).to_kind(kind), "{name}");
    }
    assert_eq!(tensors["scalar"], Tensor::from(7.5_f32));
    assert_eq!(tensors["empty"].size(), [0, 3]);
    assert_eq!(tensors["negative"], Tensor::from_slice(&[-1, 300, 1_i64 << 40]));
}

#[test]
fn a_dropped_head_stays_fresh() {
    let vs = small();
    let mut tensors = weights::read(&fixture("model.pth")).unwrap();
    // The head of another number of classes.
    tensors.insert("fc.weight".to_owned(), Tensor::ones([1000, 4], (Kind::Float, Device::Cpu)));
    load(&vs, &tensors, &["fc."]).unwrap();
    assert_eq!(vs.variables()["fc.weight"], Tensor::zeros([2, 4], (Kind::Float, Device::Cpu)));
    assert_ne!(vs.variables()["conv.weight"], Tensor::zeros([3, 2, 3, 3], (Kind::Float, Device::Cpu)));
    let (message, _) = refused(load(&vs, &tensors, &[]));
    assert_eq!(message, "`some.pth`: tensor `fc.weight`: expected shape [2, 4], found [1000, 4]");
}

#[test]
fn unsuitable_tensors_are_refused_and_nothing_is_loaded() {
    let float = (Kind::Float, Device::Cpu);
    let cases: [(&str, Option<Tensor>, &str); 6] = [
        ("bn.running_var", None, "missing tensor `bn.running_var`, expected shape [3]"),
        (
            "bn.extra",
            Some(Tensor::ones([3], float)),
            "unexpected tensor `bn.extra` of shape [3]: the network has none of this name",
        ),
        ("bn.bias", Some(Tensor::ones([3, 1], float)), "tensor `bn.bias`: expected shape [3], found [3, 1]"),
        (
            "bn.bias",
            Some(Tensor::from_slice(&[0.0, f64::NAN, 1.0])),
            "tensor `bn.bias` of shape [3] holds NaN or infinity",
        ),
        (
            "fc.bias",
            Some(Tensor::from_slice(&[f32::INFINITY, 1.0])),
            "tensor `fc.bias` of shape [2] holds NaN or infinity",
        ),
        (
            "fc.bias",
            Some(Tensor::from_slice(&[1_i64, 2])),
            "tensor `fc.bias`: expected floating-point numbers, found Int64",
        ),
    ];
    for (name, replacement, expected) in cases {
        let vs = small();
        let mut tensors = weights::read(&fixture("model.pth")).unwrap();
        match replacement {
            Some(tensor) => tensors.insert(name.to_owned(), tensor),
            None => tensors.remove(name),
        };
        let (message, _) = refused(load(&vs, &tensors, &[]));
        assert_eq!(message, format!("`some.pth`: {expected}"));
        assert!(vs.variables().values().all(|t| t.abs().sum(Kind::Double).double_value(&[]) == 0.0));
    }
}

#[test]
fn another_networks_weights_are_refused() {
    let build = |architecture| {
        let _guard = seeded(0);
        let vs = VarStore::new(Device::Cpu);
        let network = Network { architecture, stem: Stem::Imagenet };
        net::build(&vs.root(), network, 10, Initializer::Torchvision, MAPS).unwrap();
        vs
    };
    let (small, large) = (build(Architecture::ResNet18), build(Architecture::ResNet50));
    let (message, help) = refused(load(&small, &sorted(&large), &["fc."]));
    let expected = "unexpected tensor `layer1.0.bn3.bias` of shape [256]: the network has none of this name";
    assert_eq!(message, format!("`some.pth`: {expected}"));
    assert!(help.starts_with("use weights of this network"));
    let (message, _) = refused(load(&large, &sorted(&small), &["fc."]));
    assert_eq!(message, "`some.pth`: missing tensor `layer1.0.bn3.bias`, expected shape [256]");
}

/// `ripple` of make_net.py.
fn ripple(stream: i64, name: &str, shape: &[i64]) -> Tensor {
    let count = shape.iter().product::<i64>();
    let scale = if shape.len() > 1 { (3.0 / shape[1..].iter().product::<i64>() as f64).sqrt() } else { 0.25 };
    let start = if name.ends_with("running_var") { 1.0 } else { 0.0 };
    let value = |i: i64| (start + (((i * 37 + stream * 11) % 251) as f64 / 125.0 - 1.0) * scale) as f32;
    Tensor::from_slice(&(0..count).map(value).collect::<Vec<f32>>()).view(shape)
}

/// What torchvision's users download: whole networks with 1000 classes. The three readings of Table 3's fine-tuning load
/// them into networks of either stem.
#[test]
fn torchvisions_own_files_are_read() {
    let read = |name: &str| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        let packed = std::fs::File::open(fixture(&format!("{name}.gz"))).unwrap();
        std::io::copy(&mut GzDecoder::new(packed), &mut std::fs::File::create(&path).unwrap()).unwrap();
        (weights::read(&path), path)
    };
    let cases = [
        ("resnet18.pth", Architecture::ResNet18, "fc."),
        ("resnet50.pth", Architecture::ResNet50, "fc."),
        ("efficientnet_v2_s.pth", Architecture::EfficientNetV2S, "classifier.1."),
    ];
    for (file, architecture, head) in cases {
        let (tensors, path) = read(file);
        let tensors = tensors.unwrap();
        let stream: BTreeMap<&str, i64> =
            tensors.keys().filter(|name| !name.ends_with("num_batches_tracked")).map(String::as_str).zip(0..).collect();
        let build = |stem| {
            let _guard = seeded(3);
            let vs = VarStore::new(Device::Cpu);
            net::build(&vs.root(), Network { architecture, stem }, 10, Initializer::Mmclassification, MAPS).unwrap();
            vs
        };
        let loads = |stem, drop: &[&str]| {
            let (vs, fresh) = (build(stem), build(stem));
            load(&vs, &tensors, drop).unwrap();
            for (name, variable) in vs.variables() {
                let dropped = drop.iter().any(|prefix| name.starts_with(prefix));
                let expected = if dropped {
                    fresh.variables()[&name].shallow_clone()
                } else {
                    ripple(stream[name.as_str()], &name, &variable.size())
                };
                assert!(variable.equal(&expected), "{file}, {stem:?}: {name}");
            }
        };
        loads(Stem::Imagenet, &[head]);
        let names_the_tensor = |drop: &[&str], stem, expected: &str| {
            let drop: Vec<String> = drop.iter().map(|&prefix| prefix.to_owned()).collect();
            let (message, _) = refused(weights::load(&build(stem), &tensors, &drop, &path));
            assert_eq!(message, format!("`{}`: {expected}", path.display()));
        };
        if architecture == Architecture::EfficientNetV2S {
            let expected = "tensor `classifier.1.bias`: expected shape [10], found [1000]";
            names_the_tensor(&[], Stem::Imagenet, expected);
            continue;
        }
        names_the_tensor(&[], Stem::Imagenet, "tensor `fc.bias`: expected shape [10], found [1000]");
        loads(Stem::Cifar, &[head, "conv1."]);
        let expected = "tensor `conv1.weight`: expected shape [64, 3, 3, 3], found [64, 3, 7, 7]";
        names_the_tensor(&[head], Stem::Cifar, expected);
    }
}

#[test]
fn a_pickle_that_is_not_a_state_dict_is_refused() {
    let cases = [
        ("system.pth", "posix.system"),
        ("eval.pth", "__builtin__.eval"),
        ("list.pth", "instruction 0x5d"),
        ("number.pth", "`a` is not a tensor"),
        ("deep.pth", "nested too deep"),
        ("outside.pth", "tensor `conv.weight`: shape [3, 2, 3, 255] with strides [18, 9, 3, 1] does not fit"),
        ("legacy.pth", "PyTorch before 1.6"),
    ];
    for (file, expected) in cases {
        let (message, _) = refused(weights::read(&fixture(file)));
        assert!(message.contains(expected), "{file}: {message}");
    }
}

/// Sound files of PyTorch that are no state dict: not called damaged, and with the way to a state dict.
#[test]
fn what_is_sound_and_not_wanted_is_told_from_what_is_damaged() {
    let cases = [
        ("entry.pth", "its entry `state_dict` is one", "`torch.save(torch.load(FILE)[\"state_dict\"], "),
        ("module.pth", "which is not a tensor", "`torch.save(model.state_dict(), "),
        ("list.pth", "instruction 0x5d", "`torch.save(model.state_dict(), "),
        ("script.pth", "TorchScript", "torch.jit.load(FILE).state_dict()"),
        ("legacy.pth", "PyTorch before 1.6", "save it again with PyTorch 1.6"),
    ];
    for (file, message, help) in cases {
        let (said, helped) = refused(weights::read(&fixture(file)));
        assert!(said.contains(message) && helped.contains(help), "{file}: {said}; {helped}");
    }
    let (message, help) = refused(load(&small(), &weights::read(&fixture("parallel.pth")).unwrap(), &[]));
    assert!(
        message.contains("unexpected tensor `module.bn.bias`") && help.contains("model.module.state_dict()"),
        "{help}"
    );
    for foreign in [&b"<!DOCTYPE html><html>"[..], b"\x1f\x8b\x08\0\0\0\0\0\0\x03"] {
        assert!(refused(read_bytes(foreign)).1.contains("no weights file"));
    }
    // A changed number, which the archive's checksum tells.
    let mut damaged = std::fs::read(fixture("model.pth")).unwrap();
    let numbers = damaged.windows(4).position(|bytes| bytes == 1.0_f32.to_le_bytes()).unwrap_or(damaged.len() / 2);
    damaged[numbers] ^= 1;
    assert!(refused(read_bytes(&damaged)).1.contains("the file is damaged"));
}

#[test]
fn tensors_of_small_integers_are_read() {
    let tensors = weights::read(&fixture("integers.pth")).unwrap();
    assert_eq!(tensors["bool"], Tensor::from_slice(&[true, false]));
    assert_eq!(tensors["uint8"], Tensor::from_slice(&[255_u8]));
    assert_eq!(tensors["int8"], Tensor::from_slice(&[-128_i8]));
    assert_eq!(tensors["int16"], Tensor::from_slice(&[-300_i16]));
}

/// An archive as `torch.save` writes it, with `pickle` in it.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a/data.pkl", FileOptions::default().compression_method(CompressionMethod::Stored)).unwrap();
    zip.write_all(pickle).unwrap();
    zip.finish().unwrap().into_inner()
}

/// All that Python's `pickletools` lists as importing or calling, apart from the GLOBAL and REDUCE of the files above,
/// and lengths that lie.
#[test]
fn every_other_way_to_call_something_is_refused() {
    let cases: [(&[u8], &str); 14] = [
        (b"\x80\x02(X\x02\0\0\0idiposix\nsystem\n.", "instruction 0x69"), // INST
        (b"\x80\x02(o.", "instruction 0x6f"),                             // OBJ
        (b"\x80\x02X\x05\0\0\0posixX\x06\0\0\0system\x93.", "instruction 0x93"), // STACK_GLOBAL
        (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "instruction 0x81"), // NEWOBJ
        (b"\x80\x02ccollections\nOrderedDict\n)}\x92.", "instruction 0x92"), // NEWOBJ_EX
        (b"\x80\x02\x82\x01.", "instruction 0x82"),                       // EXT1
        (b"\x80\x02\x83\x01\0.", "instruction 0x83"),                     // EXT2
        (b"\x80\x02\x84\x01\0\0\0.", "instruction 0x84"),                 // EXT4
        (b"\x80\x02Pid\n.", "instruction 0x50"),                          // PERSID
        (b"\x80\x04}.", "protocol 4 instead of 2"),
        (b"\x80\x02ccollections\nOrderedDict\n(K\x01tR.", "unexpected arguments"),
        (b"\x80\x02)}b.", "not a dict"), // BUILD, which may call `__setstate__`
        (b"\x80\x02X\xff\xff\xff\xff", "ends in the middle"),
        (b"\x80\x02\x8a\xff\x01.", "more than 64 bits"),
    ];
    assert!(read_bytes(&archive(b"\x80\x02}.")).unwrap().is_empty(), "an empty state dict is one");
    for (pickle, expected) in cases {
        let (message, _) = refused(read_bytes(&archive(pickle)));
        assert!(message.contains(expected), "{}: {message}", pickle.escape_ascii());
    }
}

#[test]
fn text_is_not_taken_for_weights() {
    for bytes in [&b""[..], b"PK", b"<!DOCTYPE html><html>", b"PK\x03\x04 but no archive", &[0x80, 2, b'.']] {
        refused(read_bytes(bytes));
    }
}

#[test]
fn damaged_files_are_refused() {
    for file in ["model.pth", "model.safetensors"] {
        let good = std::fs::read(fixture(file)).unwrap();
        for length in 0..good.len() {
            refused(read_bytes(&good[..length]));
        }
    }
}

/// safetensors sorts by kind and name: the 312 bytes of numbers hold `conv.weight` at 56 to 272, `fc.weight` at the end.
#[test]
fn a_truncated_file_names_the_tensor_and_its_shape() {
    let good = std::fs::read(fixture("model.safetensors")).unwrap();
    for (kept, name, shape) in [(311, "fc.weight", "[2, 4]"), (100, "conv.weight", "[3, 2, 3, 3]")] {
        let (message, _) = refused(read_bytes(&good[..good.len() - 312 + kept]));
        let expected = format!("it ends before the end of tensor `{name}`, shape {shape}: {kept} of 312 bytes");
        assert!(message.ends_with(&format!("weights.pth`: {expected}")), "{message}");
    }
}

/// No single changed byte of the file may crash the reader: it either reads tensors or refuses.
#[test]
fn changed_bytes_never_crash() {
    for file in ["model.pth", "model.safetensors"] {
        let good = std::fs::read(fixture(file)).unwrap();
        for at in 0..good.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] ^= change;
                if let Ok(tensors) = read_bytes(&bytes) {
                    let _ = load(&small(), &tensors, &[]);
                }
            }
        }
    }
}

#[test]
fn a_missing_file_is_an_io_error() {
    let error = weights::read(Path::new("no/such/file")).err().unwrap();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
}
