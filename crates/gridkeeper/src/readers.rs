//! The readers of what is typed or piped in, each as a function of it.
//!
//! Only with the feature `readers`, for tests that give them hostile bytes.

use std::io::BufRead;

use secrecy::SecretString;

use crate::commands::secrets;
use crate::failure::Failure;

/// The next secret from where secrets are asked for; `None` at its end.
///
/// # Errors
/// [`Failure`] when it is none.
pub fn secret(input: &mut dyn BufRead) -> Result<Option<SecretString>, Failure> {
    secrets::read_one(input)
}
