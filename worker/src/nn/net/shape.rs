//! What tells one convolution from another.

/// The numbers that tell one convolution with its batch normalisation from another. The padding keeps the size at stride 1.
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

    /// The side of the output for a map of `side`.
    pub(super) fn output_side(&self, side: i64) -> i64 {
        (side + 2 * (self.kernel / 2) - self.kernel) / self.stride + 1
    }
}
