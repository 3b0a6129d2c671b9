//! Random crops and flips of a minibatch, the order of the images, and the draws behind both.
//!
//! Everything is drawn on the processor for a whole epoch and applied on the device a minibatch at a time.

use rand_chacha::rand_core::Rng;
use tch::{Device, Kind, Tensor};

use fpl_core::recipe::Augmentation;
use fpl_core::seed::{Purpose, generator};

/// A number from 0 to `bound` − 1, each equally likely (Lemire, 2019, arXiv 1805.10941). `bound` is at least 1.
///
/// Written out so that the draws of a seed stay the same whatever becomes of the `rand` crates.
pub(super) fn below(rng: &mut impl Rng, bound: u32) -> u32 {
    let bound = u64::from(bound);
    // The 2^32 draws fall on `bound` numbers; refusing the first 2^32 mod `bound` makes the shares equal.
    let surplus = (1 << 32) % bound;
    loop {
        let product = u64::from(rng.next_u32()) * bound;
        if product & u64::from(u32::MAX) >= surplus {
            return (product >> 32) as u32;
        }
    }
}

/// The order of `count` training images in `epoch`: a uniformly drawn permutation of 0 to `count` − 1 (Fisher–Yates).
pub fn order(seed: u64, epoch: u32, count: u32) -> Vec<i64> {
    let mut rng = generator(seed, Purpose::Order, epoch);
    let mut order: Vec<i64> = (0..i64::from(count)).collect();
    for last in (1..count).rev() {
        order.swap(last as usize, below(&mut rng, last + 1) as usize);
    }
    order
}

/// The crop and flip of every position of an epoch, on the device.
#[derive(Debug)]
pub struct Draws {
    padding: i64,
    /// Top edges of the crops in the padded images, 0 to 2·padding, int64 `[count]`.
    pub top: Tensor,
    /// Left edges, likewise.
    pub left: Tensor,
    /// Whether to mirror, bool `[count]`; none if no image is.
    pub mirrored: Option<Tensor>,
    /// 0, 1, 2, …, int64 `[count]`.
    positions: Tensor,
}

impl Draws {
    /// Draws for the `count` positions of `epoch`; a position's draw does not depend on the image that stands there.
    pub fn new(seed: u64, epoch: u32, count: u32, augmentation: &Augmentation, device: Device) -> Self {
        let mut rng = generator(seed, Purpose::Augmentation, epoch);
        let side = 2 * augmentation.crop_padding + 1;
        let (mut top, mut left, mut mirrored) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let offset = below(&mut rng, side * side);
            top.push(i64::from(offset / side));
            left.push(i64::from(offset % side));
            // 53 bits: every probability that is a multiple of 2^-53 is met exactly.
            mirrored.push(((rng.next_u64() >> 11) as f64) < augmentation.flip * 2f64.powi(53));
        }
        let any_mirrored = mirrored.contains(&true);
        Self {
            padding: i64::from(augmentation.crop_padding),
            top: Tensor::from_slice(&top).to_device(device),
            left: Tensor::from_slice(&left).to_device(device),
            mirrored: any_mirrored.then(|| Tensor::from_slice(&mirrored).to_device(device)),
            positions: Tensor::arange(i64::from(count), (Kind::Int64, device)),
        }
    }

    /// Crops and then mirrors `images` `[length, channels, height, width]` of any kind, the border being 0, with the
    /// draws of the positions from `start`; the shape stays.
    pub fn apply(&self, images: &Tensor, start: i64) -> Tensor {
        let cropped = if self.padding == 0 { images.shallow_clone() } else { self.crop(images, start) };
        let Some(mirrored) = &self.mirrored else { return cropped };
        let mirrored = mirrored.narrow(0, start, images.size()[0]).view([-1, 1, 1, 1]);
        cropped.flip([3]).where_self(&mirrored, &cropped)
    }

    fn crop(&self, images: &Tensor, start: i64) -> Tensor {
        let (length, _, height, width) = images.size4().unwrap_or_default();
        let padded = images.constant_pad_nd([self.padding; 4]);
        // All crops as a view, [length, channels, top, left, height, width]; indexing copies one for each image.
        let crops = padded.unfold(2, height, 1).unfold(3, width, 1);
        let of_batch = |draws: &Tensor| Some(draws.narrow(0, start, length));
        let image = Some(self.positions.narrow(0, 0, length));
        crops.index(&[image, None, of_batch(&self.top), of_batch(&self.left)])
    }
}
