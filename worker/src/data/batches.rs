//! Records on a device, served as normalised minibatches.

use std::path::Path;

use tch::{Device, Kind, TchError, Tensor};

use crate::data::augment::{Draws, order};
use crate::error::torch;
use fpl_core::error::{Error, Result};
use fpl_core::recipe::{Augmentation, Border, Normalization, Shape};

/// Images with labels, on a device.
///
/// The pixels stay bytes: that is a quarter of the memory of float32, and normalising a minibatch costs next to nothing.
#[derive(Debug)]
pub struct Dataset {
    images: Tensor,
    labels: Tensor,
    class_counts: Vec<u32>,
}

/// Pixels and labels of whole records, on a device.
fn copy(bytes: &[u8], shape: Shape, device: Device) -> Result<(Tensor, Tensor), TchError> {
    let side = shape.side as i64;
    let records = Tensor::f_from_slice(bytes)?.f_view([-1, shape.record_bytes() as i64])?;
    let images = records.f_narrow(1, 1, shape.image_bytes() as i64)?.f_reshape([-1, 3, side, side])?;
    let labels = records.f_select(1, 0)?.f_to_kind(Kind::Int64)?;
    Ok((images.f_to_device(device)?, labels.f_to_device(device)?))
}

impl Dataset {
    /// Copies records of a data set of this shape to `device`.
    ///
    /// # Errors
    /// No whole number of records, or a label that is none; the message names `source`, the file they come from.
    pub fn from_records(bytes: &[u8], shape: Shape, source: &Path, device: Device) -> Result<Self> {
        let invalid = |message: String| {
            Error::data(source, message, "the file is damaged: remove its folder and run the command again")
        };
        let record_bytes = shape.record_bytes();
        if bytes.is_empty() || !bytes.len().is_multiple_of(record_bytes) {
            let message = format!("{} bytes are not a whole number of {record_bytes}-byte records", bytes.len());
            return Err(invalid(message));
        }
        let mut class_counts = vec![0; shape.classes];
        for (index, label) in bytes.iter().step_by(record_bytes).enumerate() {
            let Some(count) = class_counts.get_mut(usize::from(*label)) else {
                let last = shape.classes - 1;
                return Err(invalid(format!("record {index} has label {label}, labels are 0 to {last}")));
            };
            *count += 1;
        }
        let (images, labels) = copy(bytes, shape, device).map_err(torch)?;
        Ok(Self { images, labels, class_counts })
    }

    /// The pixels, uint8 `[len, 3, side, side]`; red, green, blue.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// The classes, int64 `[len]`.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// How many images there are.
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.images.size()[0] as usize
    }

    /// N_i of Eq. 4, the images of each class: float32 `[classes]`, on the device.
    pub fn class_counts(&self) -> Tensor {
        let counts: Vec<f32> = self.class_counts.iter().map(|&count| count as f32).collect();
        Tensor::from_slice(&counts).to_device(self.images.device())
    }

    /// The minibatches of a training epoch in a random order, each image once; the last may be smaller.
    ///
    /// Images are float32 `[b, 3, input_size, input_size]`, labels int64 `[b]`, on the device. All that is random follows
    /// from `seed` and `epoch`. An image is cropped, flipped and then resized; the border of a crop is black or the mean
    /// colour, as `augmentation` says. `batch_size` is at least 1.
    pub fn training_batches(
        &self,
        seed: u64,
        epoch: u32,
        batch_size: u32,
        augmentation: &Augmentation,
        normalization: &Normalization,
        input_size: u32,
    ) -> impl Iterator<Item = (Tensor, Tensor)> + use<'_> {
        let (count, device) = (self.len() as u32, self.images.device());
        let order = Tensor::from_slice(&order(seed, epoch, count)).to_device(device);
        let draws = Draws::new(seed, epoch, count, augmentation, device);
        let border = augmentation.border;
        let transform = Transform::new(normalization, input_size, device);
        spans(self.len(), batch_size).map(move |(start, length)| {
            let chosen = order.narrow(0, start, length);
            let bytes = self.images.index_select(0, &chosen);
            let images = match border {
                Border::Black => transform.normalize(&draws.apply(&bytes, start)),
                Border::Mean => draws.apply(&transform.normalize(&bytes), start),
            };
            (transform.resize(images), self.labels.index_select(0, &chosen))
        })
    }

    /// All images in order as minibatches, without augmentation; shapes as in [`Self::training_batches`].
    pub fn evaluation_batches(
        &self,
        batch_size: u32,
        normalization: &Normalization,
        input_size: u32,
    ) -> impl Iterator<Item = (Tensor, Tensor)> + use<'_> {
        let transform = Transform::new(normalization, input_size, self.images.device());
        spans(self.len(), batch_size).map(move |(start, length)| {
            let images = transform.normalize(&self.images.narrow(0, start, length));
            (transform.resize(images), self.labels.narrow(0, start, length))
        })
    }
}

/// Start and length of each minibatch.
fn spans(count: usize, batch_size: u32) -> impl Iterator<Item = (i64, i64)> {
    let (count, batch_size) = (count as i64, i64::from(batch_size.max(1)));
    (0..count).step_by(batch_size as usize).map(move |start| (start, batch_size.min(count - start)))
}

/// What is done to every image, random or not.
struct Transform {
    /// Both float32 `[1, 3, 1, 1]`.
    mean: Tensor,
    std: Tensor,
    input_size: i64,
}

impl Transform {
    fn new(normalization: &Normalization, input_size: u32, device: Device) -> Self {
        let channels =
            |values: &[f64; 3]| Tensor::from_slice(values).to_kind(Kind::Float).view([1, 3, 1, 1]).to_device(device);
        let (mean, std) = (channels(&normalization.mean), channels(&normalization.std));
        Self { mean, std, input_size: i64::from(input_size) }
    }

    /// Bytes to float32 (x − mean)/std.
    fn normalize(&self, bytes: &Tensor) -> Tensor {
        bytes.to_kind(Kind::Float).g_sub_(&self.mean).g_div_(&self.std)
    }

    /// Bilinear, as `interpolate(mode="bilinear", align_corners=False, antialias=False)` of PyTorch.
    fn resize(&self, images: Tensor) -> Tensor {
        if self.input_size == images.size()[3] {
            return images;
        }
        images.upsample_bilinear2d([self.input_size; 2], false, None, None)
    }
}
