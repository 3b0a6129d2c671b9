//! What the pipeline and the worker both know: vocabulary, files, scores, and what they say to each other. No network, no
//! drawing, no libtorch.
//!
//! The modules stand in the order in which they are used; a module uses only modules above it.

// No knowledge of the paper.
pub mod error;
pub mod number;
pub mod stream;
pub mod interrupt;
pub mod fs;
pub mod machine;
// The paper as plain data, and what stages write.
pub mod recipe;
pub mod seed;
pub mod stage;
pub mod artifact;
pub mod scores;
pub mod results;
pub mod protocol;
