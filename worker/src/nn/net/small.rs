//! 3×3 convolutions on maps of at most 2×2, where most of a padded kernel sees nothing but the border.
//!
//! A convolution is a sum over the taps of its kernel: each tap, a matrix `[outputs, inputs]`, multiplies the pixels that it
//! meets and adds them to those that it is for. On maps of 1×1 only the centre tap meets a pixel; at stride 2 on 2×2 maps
//! four of nine do; and on 2×2 maps at stride 1 all nine do, but together in 16 places instead of 36. Summing over taps
//! leaves the border out, where `conv2d` multiplies zeros.
//!
//! The results are those of `conv2d` up to the order of additions. Taps that meet no pixel have gradient zero for ever.

use tch::Tensor;

use super::shape::Shape;

/// Up to this many pixels a side this is faster than `conv2d`.
const LARGEST: i64 = 2;

/// The convolution's plan for maps of one size.
#[derive(Debug)]
pub(super) struct Taps {
    shape: Shape,
    side: i64,
    alive: Vec<Tap>,
}

/// A tap that meets a pixel.
#[derive(Debug, Clone, Copy)]
struct Tap {
    row: i64,
    column: i64,
    rows: Meeting,
    columns: Meeting,
}

/// Along one dimension: output pixels `output` to `output + count − 1` see the input pixels from `input` on.
#[derive(Debug, Clone, Copy)]
struct Meeting {
    output: i64,
    input: i64,
    count: i64,
}

impl Meeting {
    fn new(shape: &Shape, side: i64, tap: i64) -> Option<Self> {
        let input_of = |output: i64| output * shape.stride + tap - shape.kernel / 2;
        let outputs: Vec<i64> =
            (0..shape.output_side(side)).filter(|&output| (0..side).contains(&input_of(output))).collect();
        let &output = outputs.first()?;
        Some(Self { output, input: input_of(output), count: outputs.len() as i64 })
    }

    /// The pixels of `xs` that are seen, along a dimension.
    fn seen(self, xs: &Tensor, dim: i64, stride: i64) -> Tensor {
        if self.count == xs.size()[dim as usize] {
            return xs.shallow_clone();
        }
        xs.slice(dim, self.input, self.input + (self.count - 1) * stride + 1, stride)
    }

    /// Zeros before and after, to fill `side` output pixels.
    fn padding(self, side: i64) -> [i64; 2] {
        [self.output, side - self.output - self.count]
    }
}

impl Taps {
    /// The plan for `shape` on maps of `side` pixels a side, if they are small enough.
    pub(super) fn new(shape: &Shape, side: i64) -> Option<Self> {
        if shape.kernel != 3 || side > LARGEST {
            return None;
        }
        let alive = |tap: i64| Some((tap, Meeting::new(shape, side, tap)?));
        let meetings: Vec<(i64, Meeting)> = (0..shape.kernel).filter_map(alive).collect();
        let taps = meetings
            .iter()
            .flat_map(|&(row, rows)| meetings.iter().map(move |&(column, columns)| Tap { row, column, rows, columns }));
        Some(Self { shape: *shape, side, alive: taps.collect() })
    }

    /// Row and column of each tap that meets a pixel.
    pub(super) fn places(&self) -> impl Iterator<Item = (i64, i64)> {
        self.alive.iter().map(|tap| (tap.row, tap.column))
    }

    /// These taps of a kernel `[outputs, inputs/groups, 3, 3]`, `[outputs, inputs/groups]` each: views of the kernel,
    /// through which gradients flow.
    pub(super) fn of(&self, kernel: &Tensor) -> Vec<Tensor> {
        let rows: Vec<Vec<Tensor>> = kernel.unbind(2).iter().map(|row| row.unbind(2)).collect();
        self.places().map(|(row, column)| rows[row as usize][column as usize].shallow_clone()).collect()
    }

    /// The convolution of channels-last `xs` `[n, inputs, h, w]` with the `taps` that [`Self::of`] gives:
    /// `[n, h', w', outputs]`.
    pub(super) fn convolve(&self, xs: &Tensor, taps: &[Tensor]) -> Tensor {
        let xs = xs.permute([0, 2, 3, 1]);
        let terms = if self.shape.groups == 1 { self.products(&xs, taps) } else { self.multiples(&xs, taps) };
        let side = self.shape.output_side(self.side);
        let sum = terms.into_iter().reduce(|sum, term| sum + term).unwrap_or(xs);
        sum.reshape([-1, side, side, self.shape.outputs])
    }

    /// Of a full kernel: for each tap its matrix product with all pixels that it meets, at the pixels that it is for.
    fn products(&self, xs: &Tensor, taps: &[Tensor]) -> Vec<Tensor> {
        let (stride, side) = (self.shape.stride, self.shape.output_side(self.side));
        let product = |(&Tap { rows, columns, .. }, tap): (&Tap, &Tensor)| {
            let product = pixels_times(&columns.seen(&rows.seen(xs, 1, stride), 2, stride), tap);
            if rows.count == side && columns.count == side {
                return product;
            }
            product.constant_pad_nd([[0, 0], columns.padding(side), rows.padding(side)].concat())
        };
        self.alive.iter().zip(taps).map(product).collect()
    }

    /// Of a depthwise kernel: for each input pixel its products with the taps that lead from it to each output pixel. On
    /// maps this small there always is one.
    fn multiples(&self, xs: &Tensor, taps: &[Tensor]) -> Vec<Tensor> {
        let Shape { kernel, stride, outputs: channels, .. } = self.shape;
        let output_side = self.shape.output_side(self.side);
        let tap = |input: i64, output: i64| {
            let along = |input: i64, output: i64| input + kernel / 2 - output * stride;
            let row = along(input / self.side, output / output_side);
            let column = along(input % self.side, output % output_side);
            let index = self.places().position(|place| place == (row, column))?;
            Some(taps[index].view(-1))
        };
        let multiple = |(input, pixel): (i64, &Tensor)| {
            let taps: Vec<Tensor> = (0..output_side * output_side).filter_map(|output| tap(input, output)).collect();
            pixel * Tensor::stack(&taps, 0)
        };
        let pixels = xs.reshape([-1, self.side * self.side, channels]).split(1, 1);
        (0..).zip(&pixels).map(multiple).collect()
    }
}

/// Every pixel of `xs` `[n, h, w, inputs]` times the transpose of `matrix` `[outputs, inputs]`: `[n, h, w, outputs]`.
pub(super) fn pixels_times(xs: &Tensor, matrix: &Tensor) -> Tensor {
    let (n, h, w, inputs) = xs.size4().unwrap_or_default();
    // As plain rows: libtorch multiplies those faster than a tensor of more dimensions.
    xs.reshape([-1, inputs]).linear(matrix, None::<&Tensor>).view([n, h, w, matrix.size()[0]])
}
