//! Whether a table is the one that was worked with, or a copy of it.
//!
//! A copy is behind the exchange, and whoever worked with it as it is could double orders. So the table knows where
//! it is: on AWS the id that DynamoDB gave it, on one machine the file that it lies in. A copy says the place of
//! what it was copied from.

use serde::{Deserialize, Serialize};
use trading::StoreError;

use crate::DynamoStore;
use crate::error::store_error;
use crate::expression::Expression;
use crate::item::record_item;
use crate::key::Key;
use crate::write::Write;

/// What a table says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// It is where it was.
    Original,
    /// It is somewhere else than it says.
    Copy,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    place: String,
}

impl DynamoStore {
    /// Compares where the table says it is with `place`. One that says nothing says this place from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prove_identity(&self, place: &str) -> Result<Identity, StoreError> {
        let key = Key::identity();
        let said = self.read_one(&key).await?;
        let said = match said {
            Some(said) => Some(said),
            None => match self.put(item(place)?, &Expression::absent()).await? {
                Write::Done => None,
                Write::Refused(_) => self.read_one(&key).await?,
            },
        };
        let said: Option<Place> = said.map(|said| said.decode()).transpose()?;
        Ok(match said {
            Some(said) if said.place != place => Identity::Copy,
            Some(_) | None => Identity::Original,
        })
    }

    /// Has the table say that this is its place: it has been brought to where the exchange is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_identity(&self, place: &str) -> Result<(), StoreError> {
        self.replace(item(place)?).await
    }

    /// The id that DynamoDB gave the table when it was created; a restored one has another.
    ///
    /// # Errors
    /// [`StoreError`], also where it has none.
    pub async fn table_id(&self) -> Result<String, StoreError> {
        let reply = self.client.describe_table().table_name(&*self.table);
        let reply = reply.send().await;
        let reply = reply.map_err(|error| store_error("DescribeTable", &error))?;
        let id = reply.table().and_then(|table| table.table_id());
        id.map(str::to_owned).ok_or_else(|| {
            StoreError::Invalid(format!(
                "DynamoDB does not tell the id of table {}, without which a copy cannot be told from its original",
                self.table
            ))
        })
    }
}

fn item(place: &str) -> Result<crate::item::Attributes, StoreError> {
    let place = place.to_owned();
    record_item(&Key::identity(), &Place { place })
}
