//! A PNG encoder for small 8-bit RGB images, as a data URI.
//!
//! Every row is stored as differences to the pixel on its left (filter 1), which deflate packs better than the pixels.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, Crc, write::ZlibEncoder};

/// Pixels in rows, three bytes each.
pub(super) struct Raster {
    /// Width in pixels.
    pub(super) width: usize,
    /// Height in pixels.
    pub(super) height: usize,
    /// `width · height · 3` bytes.
    pub(super) pixels: Vec<u8>,
}

impl Raster {
    /// A white image.
    pub(super) fn white(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![255; width * height * 3] }
    }

    /// Puts a planar 32×32 image at `(left, top)`.
    pub(super) fn put(&mut self, left: usize, top: usize, planes: &[u8]) {
        for (index, pixel) in planes[..1024].iter().zip(&planes[1024..2048]).zip(&planes[2048..]).enumerate() {
            let at = ((top + index / 32) * self.width + left + index % 32) * 3;
            let ((red, green), blue) = pixel;
            self.pixels[at..at + 3].copy_from_slice(&[*red, *green, *blue]);
        }
    }

    /// `data:image/png;base64,…`
    pub(super) fn data_uri(&self) -> std::io::Result<String> {
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(self.png()?)))
    }

    fn png(&self) -> std::io::Result<Vec<u8>> {
        let mut header = Vec::from((self.width as u32).to_be_bytes());
        header.extend((self.height as u32).to_be_bytes());
        // 8 bits per channel, RGB, deflate, adaptive filters, not interlaced.
        header.extend([8, 2, 0, 0, 0]);
        let mut png = Vec::from(b"\x89PNG\r\n\x1a\n");
        chunk(&mut png, *b"IHDR", &header);
        chunk(&mut png, *b"IDAT", &self.deflated()?);
        chunk(&mut png, *b"IEND", &[]);
        Ok(png)
    }

    fn deflated(&self) -> std::io::Result<Vec<u8>> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        for row in self.pixels.chunks_exact(self.width * 3) {
            let filtered =
                row.iter().enumerate().map(|(i, byte)| byte.wrapping_sub(if i < 3 { 0 } else { row[i - 3] }));
            let line: Vec<u8> = std::iter::once(1).chain(filtered).collect();
            encoder.write_all(&line)?;
        }
        encoder.finish()
    }
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(kind);
    png.extend(data);
    png.extend(crc.sum().to_be_bytes());
}
