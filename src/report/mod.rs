//! Tables, figures and the report, as functions of [`input::ReportInput`].

pub mod input;
pub mod stats;
pub mod number;
pub mod figure;
pub mod cells;
pub mod tables;
pub mod diff;
pub mod view;
pub mod html;
pub mod markdown;

pub use figure::{Figure, figures};
pub use html::html;
pub use markdown::markdown;
