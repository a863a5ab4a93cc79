//! The table of Gridkeeper in DynamoDB, and the DynamoDB that runs inside one machine's process.
//!
//! Where to start:
//! * [`DynamoStore`] implements the store ports of `trading` over an SDK client, on AWS or not.
//! * [`EmbeddedDynamo`] is a DynamoDB in this process, in memory or on a file, behind the ordinary
//!   SDK client without a port or a socket.
//! * [`open_data_dir`] opens a data folder, or reaches the process that holds it over its socket.
//!
//! The feature `embedded` (the one on by default) brings the last two. The functions on AWS and the bridge there do
//! without it, and without the database's code.
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
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(not(feature = "embedded"))]
#[path = "without_embedded.rs"]
mod embedded;
mod error;
mod expression;
mod facts;
mod identity;
mod item;
mod key;
#[cfg_attr(
    not(feature = "embedded"),
    expect(
        dead_code,
        reason = "only a database in this process can know what nobody else has written"
    )
)]
mod known;
mod level_item;
mod level_record;
mod levels;
mod mark;
#[cfg(feature = "embedded")]
mod open;
mod pause;
mod range;
#[cfg(feature = "readers")]
pub mod readers;
mod schedule_run;
mod settle;
#[cfg(feature = "embedded")]
mod socket;
mod store;
mod table;
mod trade_keys;
mod write;

#[cfg(feature = "embedded")]
pub use embedded::{Durability, EmbeddedDynamo, OpenError};
pub use error::cannot_write;
pub use facts::TableFacts;
pub use identity::Identity;
pub use level_item::DETAIL_BYTES;
#[cfg(feature = "embedded")]
pub use open::{OpenedStore, folder_identity, open_data_dir, socket_path};
pub use schedule_run::{ExchangeAnswer, ScheduleRun};
#[cfg(feature = "embedded")]
pub use socket::{BindError, bind_unix, connect_unix, serve_unix};
pub use store::DynamoStore;
