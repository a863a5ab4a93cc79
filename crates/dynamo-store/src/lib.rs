//! dynamo-store
