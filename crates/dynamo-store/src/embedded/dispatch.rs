//! One request of the DynamoDB protocol, answered by the database in this process.
//!
//! The request's `x-amz-target` names the operation and its body is JSON in the protocol's spelling
//! (`AWS JSON 1.0`), exactly as they would travel over a network.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The header that names the operation.
pub(crate) const TARGET: &str = "x-amz-target";

/// The content type of requests and answers.
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

const PREFIX: &str = "DynamoDB_20120810.";

/// An answer as it goes on the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The JSON body.
    pub(crate) body: Vec<u8>,
}

/// Whether a request cannot change anything, as its target says.
pub(crate) fn only_reads(target: &str) -> bool {
    let operation = target.strip_prefix(PREFIX).unwrap_or(target);
    matches!(
        operation,
        "BatchGetItem" | "GetItem" | "Query" | "Scan" | "DescribeTable" | "ListTables"
    )
}

/// Runs one request to its end; nothing where it names an operation that is not served. Blocks while the
/// database works.
pub(crate) fn reply(
    database: &Database,
    target: &str,
    body: &[u8],
) -> Result<Option<Vec<u8>>, DynoxideError> {
    let operation = target.strip_prefix(PREFIX).unwrap_or(target);
    run(database, operation, body).transpose()
}

/// The answer that says how a request ended.
pub(crate) fn answer(target: &str, reply: Result<Option<Vec<u8>>, DynoxideError>) -> Answer {
    match reply {
        Ok(Some(body)) => Answer { status: 200, body },
        Ok(None) => Answer {
            status: 400,
            body: unknown(target),
        },
        Err(error) => Answer {
            status: error.status_code(),
            body: error.to_json().into_bytes(),
        },
    }
}

/// The operations that [`crate::DynamoStore`] uses, and those an operator's tools may want.
fn run(
    database: &Database,
    operation: &str,
    body: &[u8],
) -> Option<Result<Vec<u8>, DynoxideError>> {
    Some(match operation {
        "BatchGetItem" => typed(body, |request| database.batch_get_item(request)),
        "TransactWriteItems" => typed(body, |request| database.transact_write_items(request)),
        "UpdateItem" => typed(body, |request| database.update_item(request)),
        "PutItem" => typed(body, |request| database.put_item(request)),
        "GetItem" => typed(body, |request| database.get_item(request)),
        "DeleteItem" => typed(body, |request| database.delete_item(request)),
        "Query" => typed(body, |request| database.query(request)),
        "Scan" => typed(body, |request| database.scan(request)),
        "CreateTable" => typed(body, |request| database.create_table(request)),
        "DescribeTable" => typed(body, |request| database.describe_table(request)),
        "ListTables" => typed(body, |request| database.list_tables(request)),
        _ => return None,
    })
}

fn typed<Request, Reply>(
    body: &[u8],
    call: impl FnOnce(Request) -> Result<Reply, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError>
where
    Request: DeserializeOwned,
    Reply: Serialize,
{
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::to_vec(&call(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// What is wrong with a request that could not be read. `dynoxide` marks what DynamoDB itself would
/// call a validation error.
fn unreadable(told: &str) -> DynoxideError {
    match told.strip_prefix("VALIDATION:") {
        Some(told) => DynoxideError::ValidationException(told.to_owned()),
        None => DynoxideError::SerializationException(told.to_owned()),
    }
}

fn unknown(target: &str) -> Vec<u8> {
    let operation = target.strip_prefix(PREFIX).unwrap_or(target);
    let body = serde_json::json!({
        "__type": "com.amazon.coral.service#UnknownOperationException",
        "message": format!("{operation} is not served by the embedded database"),
    });
    body.to_string().into_bytes()
}
