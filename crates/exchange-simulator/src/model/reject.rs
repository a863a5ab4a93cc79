//! Refusals, worded exactly as the exchange words them (`errors.md`, `rest-api.md`).
//!
//! Entry points: the constructors of [`Reject`]. A client can tell many refusals apart by their text alone, so the
//! texts here are part of the wire format. Never decides anything.

/// A refused request: what a client sees instead of a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP {http_status}, code {code}: {message}")]
pub struct Reject {
    /// HTTP status of the reply.
    pub http_status: u16,
    /// The exchange's error code (negative, or 0 for a restricted location).
    pub code: i32,
    /// The exchange's wording.
    pub message: String,
    /// Seconds (REST) until the next try is allowed, for 429 and 418.
    pub retry_after_seconds: Option<u64>,
}

impl Reject {
    /// A refusal with an arbitrary status, code and wording.
    #[must_use]
    pub fn new(http_status: u16, code: i32, message: impl Into<String>) -> Self {
        Self {
            http_status,
            code,
            message: message.into(),
            retry_after_seconds: None,
        }
    }

    /// -2010: the matching engine refused a new order.
    #[must_use]
    pub fn new_order(message: &str) -> Self {
        Self::new(400, -2010, message)
    }

    /// -2010: an open order already carries this client order id.
    #[must_use]
    pub fn duplicate_order() -> Self {
        Self::new_order("Duplicate order sent.")
    }

    /// -2010: not enough free balance.
    #[must_use]
    pub fn insufficient_balance() -> Self {
        Self::new_order("Account has insufficient balance for requested action.")
    }

    /// -2010: a LIMIT_MAKER order would take.
    #[must_use]
    pub fn would_match() -> Self {
        Self::new_order("Order would immediately match and take.")
    }

    /// -2010: the symbol does not trade.
    #[must_use]
    pub fn market_closed() -> Self {
        Self::new_order("Market is closed.")
    }

    /// -2010: only cancels are possible now (`CANCEL_ONLY`).
    #[must_use]
    pub fn trading_phase() -> Self {
        Self::new_order("This order type is not possible in this trading phase.")
    }

    /// -1013: a filter of the symbol, such as `LOT_SIZE`, does not pass.
    #[must_use]
    pub fn filter(name: &str) -> Self {
        Self::new(400, -1013, format!("Filter failure: {name}"))
    }

    /// -1013: the self-trade prevention mode is not allowed on the symbol.
    #[must_use]
    pub fn stp_mode() -> Self {
        Self::new(
            400,
            -1013,
            "This symbol does not allow the specified self-trade prevention mode.",
        )
    }

    /// -1111: more decimals than the asset has.
    #[must_use]
    pub fn precision(parameter: &str) -> Self {
        Self::new(
            400,
            -1111,
            format!("Parameter '{parameter}' has too much precision."),
        )
    }

    /// -1121: no such symbol.
    #[must_use]
    pub fn invalid_symbol() -> Self {
        Self::new(400, -1121, "Invalid symbol.")
    }

    /// -1102: a mandatory parameter is absent or malformed.
    #[must_use]
    pub fn mandatory(parameter: &str) -> Self {
        Self::new(
            400,
            -1102,
            format!(
                "Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed."
            ),
        )
    }

    /// -1100: a parameter holds characters outside its legal range.
    #[must_use]
    pub fn illegal_characters(parameter: &str, legal: &str) -> Self {
        Self::new(
            400,
            -1100,
            format!(
                "Illegal characters found in parameter '{parameter}'; legal range is '{legal}'."
            ),
        )
    }

    /// -1106: a parameter that this order type does not take.
    #[must_use]
    pub fn not_required(parameter: &str) -> Self {
        Self::new(
            400,
            -1106,
            format!("Parameter '{parameter}' sent when not required."),
        )
    }

    /// -1128: parameters that do not go together.
    #[must_use]
    pub fn combination() -> Self {
        Self::new(400, -1128, "Combination of optional parameters invalid.")
    }

    /// -1130: a parameter's value makes no sense.
    #[must_use]
    pub fn invalid_parameter(parameter: &str) -> Self {
        Self::new(
            400,
            -1130,
            format!("Data sent for parameter '{parameter}' is not valid."),
        )
    }

    /// -2011: the order to cancel is not open.
    #[must_use]
    pub fn unknown_order() -> Self {
        Self::new(400, -2011, "Unknown order sent.")
    }

    /// -2013: no such order, or not visible yet.
    #[must_use]
    pub fn no_such_order() -> Self {
        Self::new(400, -2013, "Order does not exist.")
    }

    /// -2039: order id and client order id belong to different orders.
    #[must_use]
    pub fn id_mismatch() -> Self {
        Self::new(
            400,
            -2039,
            "Client order ID is not correct for this order ID.",
        )
    }

    /// -1021: the timestamp lies further back than `recvWindow`.
    #[must_use]
    pub fn outside_window() -> Self {
        Self::new(
            400,
            -1021,
            "Timestamp for this request is outside of the recvWindow.",
        )
    }

    /// -1021: the timestamp lies at least a second ahead of the server.
    #[must_use]
    pub fn ahead_of_server() -> Self {
        Self::new(
            400,
            -1021,
            "Timestamp for this request was 1000ms ahead of the server's time.",
        )
    }

    /// -1022: the signature does not fit the payload.
    #[must_use]
    pub fn bad_signature() -> Self {
        Self::new(400, -1022, "Signature for this request is not valid.")
    }

    /// -2014: the key does not look like one.
    #[must_use]
    pub fn key_format() -> Self {
        Self::new(401, -2014, "API-key format invalid.")
    }

    /// -2015: unknown key, or a key without this permission.
    #[must_use]
    pub fn key_permission() -> Self {
        Self::new(
            401,
            -2015,
            "Invalid API-key, IP, or permissions for action.",
        )
    }

    /// -1007: the backend did not answer in time; the outcome is unknown.
    #[must_use]
    pub fn backend_timeout() -> Self {
        Self::new(
            504,
            -1007,
            "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        )
    }

    /// -1008: the server is overloaded; the request was not processed.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::new(
            503,
            -1008,
            "Server is currently overloaded with other requests. Please try again in a few minutes.",
        )
    }

    /// -1000 with a 5xx status: the outcome is unknown.
    #[must_use]
    pub fn server_error() -> Self {
        Self::new(
            502,
            -1000,
            "An unknown error occurred while processing the request.",
        )
    }

    /// -1003 with status 429: too much weight in this minute.
    #[must_use]
    pub fn too_many_requests(limit: u64, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(
                429,
                -1003,
                format!(
                    "Too much request weight used; current limit is {limit} request weight per 1 MINUTE. \
                     Please use WebSocket Streams for live updates to avoid polling the API."
                ),
            )
        }
    }

    /// -1003 with status 418: the address is banned until `until_ms`.
    #[must_use]
    pub fn banned(until_ms: i64, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(
                418,
                -1003,
                format!(
                    "Way too much request weight used; IP banned until {until_ms}. \
                     Please use WebSocket Streams for live updates to avoid bans."
                ),
            )
        }
    }

    /// -1015 with status 429: too many unfilled orders in an interval such as `10 SECOND`.
    #[must_use]
    pub fn too_many_orders(limit: u64, interval: &str, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..Self::new(
                429,
                -1015,
                format!("Too many new orders; current limit is {limit} orders per {interval}."),
            )
        }
    }
}
