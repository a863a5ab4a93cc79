//! The user-data stream over the WebSocket API.
