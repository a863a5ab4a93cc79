//! An account as one item: its record, and beside it how many bots it has.

use trading::{AccountRecord, Listing, StoreError};

use crate::item::{Attributes, Record, number, record_item};
use crate::key::Key;

/// The attribute that counts an account's bots: an account is removed on the condition that it is 0.
pub(crate) const BOTS_OF_ACCOUNT: &str = "bots";

pub(crate) fn to_item(account: &AccountRecord) -> Result<Attributes, StoreError> {
    let mut item = record_item(&Key::account(&account.id), account)?;
    item.insert(BOTS_OF_ACCOUNT.to_owned(), number(0));
    Ok(item)
}

/// Reads account items, by name.
pub(crate) fn from_records(records: &[Record]) -> Listing<AccountRecord> {
    let mut accounts: Listing<AccountRecord> = records.iter().map(Record::decode).collect();
    accounts
        .readable
        .sort_by(|one, other| one.id.cmp(&other.id));
    accounts
}
