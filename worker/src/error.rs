//! libtorch's errors as ours.

use fpl_core::error::Error;
use tch::TchError;

/// The first line of what libtorch says; the rest is a C++ backtrace.
#[allow(clippy::needless_pass_by_value)] // For `map_err`.
pub(crate) fn torch(error: TchError) -> Error {
    Error::Torch(error.to_string().lines().next().unwrap_or_default().to_owned())
}
