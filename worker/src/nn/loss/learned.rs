//! α_T and α_F learned during the training, which the paper's Section 4 wishes for.
//!
//! Minimised as they stand, both would go to 0. Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh
//! Losses", CVPR 2018 (arXiv 1705.07115, Eq. 10, two classification terms) weigh each loss by an inverse variance and add
//! the logarithm of the standard deviation: with s = log σ², learned and 0 at the start,
//!
//! exp(−s_T)·L_T + ½·s_T + exp(−s_F)·L_F + ½·s_F, so α = exp(−s).
//!
//! α > 0 always, and α → 0 costs ½·s → ∞. For a term whose mean is L the minimum is at α = 1/(2L). Its limit: as L → 0
//! α grows without bound (the term then acts as ½·log L), and the whole loss may be negative.
//!
//! s is updated by the recipe's optimizer like a weight, with the weight decay of a weight, which pulls α towards 1.

use tch::{Device, Kind, Tensor};

/// s_T and s_F.
#[derive(Debug)]
pub(super) struct LearnedAlpha {
    log_variance: Tensor,
}

impl LearnedAlpha {
    pub(super) fn new(device: Device) -> Self {
        Self { log_variance: Tensor::zeros([2], (Kind::Float, device)).set_requires_grad(true) }
    }

    /// s_T and s_F, float32 `[2]`: a leaf that requires a gradient.
    pub(super) fn log_variance(&self) -> &Tensor {
        &self.log_variance
    }

    /// The weighted sum of two scalars, with what keeps the weights from 0.
    pub(super) fn weigh(&self, true_loss: &Tensor, false_loss: &Tensor) -> Tensor {
        let kind = true_loss.kind();
        let s = self.log_variance.to_kind(kind);
        let losses = Tensor::stack(&[true_loss, false_loss], 0);
        ((-&s).exp() * losses + s * 0.5).sum(kind)
    }

    /// α_T and α_F.
    pub(super) fn alpha(&self) -> [f64; 2] {
        let s = self.log_variance.detach().to_kind(Kind::Double).to_device(Device::Cpu);
        [0, 1].map(|index| (-s.double_value(&[index])).exp())
    }
}
