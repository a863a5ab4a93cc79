//! The table of Gridkeeper in DynamoDB, and the DynamoDB that runs inside one machine's process.
//!
//! Where to start:
//! * [`DynamoStore`] implements the store ports of `trading` over an SDK client, on AWS or not.
//! * [`EmbeddedDynamo`] is a DynamoDB in this process, in memory or on a file, behind the ordinary
//!   SDK client without a port or a socket.
//! * [`open_data_dir`] opens a data folder, or reaches the process that holds it over its socket.
//!
//! What holds: a lost condition is an outcome and never an error; every read that decides something
//! is strongly consistent; an item that cannot be read, or that a newer version wrote, is an error
//! that names it and is never overwritten. Nothing here decides about money, scans the table, or
//! listens on a TCP port.

mod account_item;
mod accounts;
mod bots;
mod due;
mod dump;
mod embedded;
mod error;
mod expression;
mod item;
mod key;
mod level_item;
mod level_record;
mod levels;
mod mark;
mod open;
mod pause;
mod range;
#[cfg(feature = "readers")]
pub mod readers;
mod settle;
mod socket;
mod store;
mod table;
mod trade_keys;
mod write;

pub use embedded::disk::cannot_write;
pub use embedded::{Durability, EmbeddedDynamo, OpenError};
pub use level_item::DETAIL_BYTES;
pub use open::{OpenedStore, open_data_dir, socket_path};
pub use socket::{BindError, bind_unix, connect_unix, serve_unix};
pub use store::DynamoStore;
