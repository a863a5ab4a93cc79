//! The database of a running process, reached by others on the same machine over a Unix socket.
//!
//! The socket lies in the data folder, is private to its owner, and speaks the same protocol as
//! DynamoDB itself, so a command uses the very same store whether it holds the folder or not.

mod client;
mod server;

pub use client::connect_unix;
pub(crate) use client::probe;
pub use server::{BindError, bind_unix, serve_unix};
