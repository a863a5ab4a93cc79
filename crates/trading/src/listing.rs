//! A listing whose records are read one by one: a bad one hides none of the others.

use crate::StoreError;

/// The records of a listing that can be read, and why the others cannot.
#[derive(Debug)]
pub struct Listing<T> {
    /// Those that can be read, in their order.
    pub readable: Vec<T>,
    /// Why the others cannot; each error names its record.
    pub unreadable: Vec<StoreError>,
}

impl<T> Listing<T> {
    /// All records.
    ///
    /// # Errors
    /// [`StoreError`] of the first one that cannot be read.
    pub fn all(self) -> Result<Vec<T>, StoreError> {
        match self.unreadable.into_iter().next() {
            None => Ok(self.readable),
            Some(error) => Err(error),
        }
    }

    /// The records that can be read. The others are named in the log.
    pub fn warn_of_unreadable(self) -> Vec<T> {
        for error in &self.unreadable {
            tracing::warn!(%error, "left out of a listing");
        }
        self.readable
    }
}

impl<T> FromIterator<Result<T, StoreError>> for Listing<T> {
    fn from_iter<I: IntoIterator<Item = Result<T, StoreError>>>(records: I) -> Self {
        let mut listing = Self {
            readable: Vec::new(),
            unreadable: Vec::new(),
        };
        for record in records {
            match record {
                Ok(record) => listing.readable.push(record),
                Err(error) => listing.unreadable.push(error),
            }
        }
        listing
    }
}
