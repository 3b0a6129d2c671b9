//! The calls into `shim/optim.cpp`: optimizer steps in one pass over memory, and one launch for many tensors.
//!
//! All unsafe code of the optimizers is here. What it relies on is checked here or stands at each block.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::null_mut;

use tch::{Device, Kind, Tensor};

use super::adadelta::Adadelta;
use super::sgd::Sgd;
use super::slot::Slot;

/// A stretch of memory, as the shim's `Run`.
#[repr(C)]
struct Run {
    parameter: *mut c_void,
    gradient: *const c_void,
    state: [*mut c_void; 2],
    length: i64,
}

/// An opaque `at::Tensor`.
type CTensor = c_void;

unsafe extern "C" {
    fn fpl_adadelta(runs: *const Run, count: usize, is_double: bool, rule: *const Adadelta);
    fn fpl_sgd(runs: *const Run, count: usize, is_double: bool, rule: *const Sgd);
    fn fpl_foreach_add(parameters: *const *mut CTensor, updates: *const *mut CTensor, count: usize, factor: f64);
}

/// The rule that is applied.
pub(super) enum Rule<'a> {
    Adadelta(&'a Adadelta),
    Sgd(&'a Sgd),
}

/// Whether [`step`] can update such parameters.
pub(super) fn supports(kind: Kind, device: Device) -> bool {
    device == Device::Cpu && matches!(kind, Kind::Float | Kind::Double)
}

/// Updates the parameters of `slots`, each with its gradient in the memory order of [`Slot::in_order`], and the flat
/// `state`, none to two tensors.
///
/// # Panics
/// If a tensor is not on the CPU, of another kind than the first parameter, or too short.
pub(super) fn step(rule: &Rule, slots: &[(&Slot, Tensor)], state: &[Tensor]) {
    let Some(((first, _), kind)) = slots.first().map(|slot| (slot, slot.0.parameter.kind())) else { return };
    assert!(supports(kind, first.parameter.device()) && state.len() <= 2);
    let needed = slots.iter().map(|(slot, _)| slot.start + slot.length()).max().unwrap_or(0);
    assert!(state.iter().all(|tensor| fits(tensor, kind, needed) && tensor.is_contiguous()));
    let of_state = |index: usize, start: i64| {
        // SAFETY: every slot ends within the state, as was checked above.
        let at =
            |tensor: &Tensor| unsafe { tensor.data_ptr().cast::<u8>().add(start as usize * kind.elt_size_in_bytes()) };
        state.get(index).map_or(null_mut(), |tensor| at(tensor).cast())
    };
    let run = |(slot, gradient): &(&Slot, Tensor)| {
        assert!(fits(gradient, kind, slot.length()) && slot.matches(gradient));
        assert!(fits(&slot.parameter, kind, slot.length()));
        Run {
            parameter: slot.parameter.data_ptr(),
            gradient: gradient.data_ptr(),
            state: [of_state(0, slot.start), of_state(1, slot.start)],
            length: slot.length(),
        }
    };
    let runs: Vec<Run> = slots.iter().map(run).collect();
    let is_double = kind == Kind::Double;
    // SAFETY: the runs lie within tensors that live until the call returns. Parameters are dense and share no memory
    // with each other, so no two runs overlap. The shim writes to parameters and state only.
    unsafe {
        match rule {
            Rule::Adadelta(rule) => fpl_adadelta(runs.as_ptr(), runs.len(), is_double, *rule),
            Rule::Sgd(rule) => fpl_sgd(runs.as_ptr(), runs.len(), is_double, *rule),
        }
    }
}

fn fits(tensor: &Tensor, kind: Kind, length: i64) -> bool {
    tensor.device() == Device::Cpu && tensor.kind() == kind && tensor.numel() as i64 >= length
}

/// Adds `factor`·`updates` to the `parameters`, of the same shapes, without recording gradients.
pub(super) fn add_all(parameters: &[&Tensor], updates: &[Tensor], factor: f64) {
    assert_eq!(parameters.len(), updates.len());
    let targets: Vec<*mut CTensor> = parameters.iter().map(|tensor| tensor.as_ptr().cast_mut().cast()).collect();
    let sources: Vec<*mut CTensor> = updates.iter().map(|tensor| tensor.as_ptr().cast_mut().cast()).collect();
    // SAFETY: tch's C tensors are `at::Tensor`s; both lists outlive the call.
    tch::no_grad(|| unsafe { fpl_foreach_add(targets.as_ptr(), sources.as_ptr(), targets.len(), factor) });
}
