//! Every limit of the system in one place, with the relations between them checked when compiling.

use std::time::Duration;

pub use domain::MAX_LEVELS;

/// How old a placement may be when it reaches the matching engine (`recvWindow`).
pub const RECV_WINDOW: Duration = Duration::from_secs(3);

/// How far ahead of the exchange's clock a request's timestamp may be: Binance accepts less than
/// 1,000 ms (rest-api.md, "Timing security").
pub const CLOCK_LEAD: Duration = Duration::from_secs(1);

/// How long an admitted request may stay inside the exchange before the matching engine acts on it:
/// the API itself gives up after 10 s with -1007 (errors.md).
pub const ENGINE_DELAY: Duration = Duration::from_secs(10);

/// How long after an order was accepted a query may still not find it.
pub const LOOKUP_LAG: Duration = Duration::from_secs(10);

/// How long one placement attempt keeps everybody else from sending the same intent.
pub const LEASE: Duration = Duration::from_secs(30);

const _: () = assert!(
    LEASE.as_millis()
        > RECV_WINDOW.as_millis()
            + CLOCK_LEAD.as_millis()
            + ENGINE_DELAY.as_millis()
            + LOOKUP_LAG.as_millis(),
    "a lease must outlast every way in which its request can still become an order unseen"
);

/// How long the client waits for the reply to a placement: longer than the exchange's own 10 s, or
/// the client would make unknown outcomes itself.
pub const PLACE_TIMEOUT: Duration = Duration::from_secs(12);

const _: () = assert!(PLACE_TIMEOUT.as_millis() > ENGINE_DELAY.as_millis());

/// How long the client waits for the reply to a query or a cancel.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an unknown placement is looked up within the call that made it, and the pauses.
pub const LOOKUP_PAUSES: [Duration; 3] = [
    Duration::from_millis(200),
    Duration::from_millis(600),
    Duration::from_millis(1_500),
];

/// How long the look-ups after one placement may take: a query after each pause.
const LOOKUPS_LAST: Duration = {
    let [first, second, third] = LOOKUP_PAUSES;
    let pauses = first.saturating_add(second).saturating_add(third);
    QUERY_TIMEOUT.saturating_mul(3).saturating_add(pauses)
};

/// How long one message may take to handle: the trades it lacks, one placement, its look-ups and the
/// store.
pub const HANDLE_TIMEOUT: Duration = Duration::from_secs(60);

const _: () = assert!(
    HANDLE_TIMEOUT.as_millis()
        > QUERY_TIMEOUT.as_millis() + PLACE_TIMEOUT.as_millis() + LOOKUPS_LAST.as_millis(),
    "a handler must outlive its placement, the query before it and the look-ups after it"
);

/// For how long a received message stays invisible to other handlers.
pub const VISIBILITY: Duration = Duration::from_secs(75);

const _: () = assert!(VISIBILITY.as_millis() > HANDLE_TIMEOUT.as_millis());

/// How often a message is received before it goes to the dead letters. By then recovery has long
/// done its work; the dead letter is for the operator to read.
pub const MAX_RECEIVES: u32 = 10;

/// The first pause of a message that could not be handled now.
const RETRY_FIRST: Duration = Duration::from_millis(500);

/// The longest such pause.
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// How long a message rests at least that comes back: twice as long with each time it was received, so
/// that one that is healthy outlives what keeps it from being handled.
#[must_use]
pub const fn retry_pause(receives: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(receives.saturating_sub(1));
    let pause = RETRY_FIRST.saturating_mul(doubled);
    if pause.as_millis() < RETRY_LONGEST.as_millis() {
        pause
    } else {
        RETRY_LONGEST
    }
}

/// How long a message lives at least that is never handled: the pauses between its receives.
const LIFE_OF_A_MESSAGE: Duration = {
    let (mut life, mut receives) = (Duration::ZERO, 1);
    while receives < MAX_RECEIVES {
        life = life.saturating_add(retry_pause(receives));
        receives += 1;
    }
    life
};

const _: () = assert!(
    LIFE_OF_A_MESSAGE.as_millis() > LEASE.as_millis() + 2 * RECOVERY_EVERY_ON_AWS.as_millis(),
    "a message that waits must outlive a lease and the two recovery runs after it"
);

/// How much later than a lease's end a message about it becomes visible again.
pub const AFTER_LEASE: Duration = Duration::from_millis(500);

const _: () = assert!(
    2 * AFTER_LEASE.as_millis() < LEASE.as_millis(),
    "a message waits for the end of a lease, not for a second one"
);

/// How often an owner may claim a new lease at once after its request missed the window.
pub const MAX_WINDOW_RETRIES: u32 = 3;

const _: () = assert!(
    MAX_RECEIVES > MAX_WINDOW_RETRIES + 1,
    "a message is received once for each lease on its order, and must outlive all of one owner's"
);

/// How much earlier than its first lease an adopted order may have been created: as much as a report
/// of it may say.
pub const ADOPT_TOLERANCE: Duration = domain::CREATED_TOLERANCE;

const _: () = assert!(
    ADOPT_TOLERANCE.as_millis() >= CLOCK_LEAD.as_millis(),
    "an order sent with a clock that leads as far as is accepted must be known as ours"
);

/// The most fills one commit books. A DynamoDB transaction takes 100 items.
pub const MAX_FILLS_PER_COMMIT: usize = 90;

/// How often a commit that lost against another writer starts over within one call.
pub const MAX_COMMIT_TRIES: u32 = 8;

/// The most trades read for one order: 50 pages of 1,000.
pub const MAX_TRADES_PER_ORDER: usize = 50_000;

/// How many levels of one bot are worked on at once.
pub const LEVELS_AT_ONCE: usize = 8;

/// How long a symbol's rules are believed before they are read again.
pub const RULES_LAST: Duration = Duration::from_secs(600);

/// How far ahead of a level's own an order number seen at the exchange may be to count: anybody can
/// type an id, and numbers must last.
pub const FARTHEST_AHEAD: u32 = 1_000_000;

/// Recovery leaves a level alone that changed within this time, unless a run is the first one.
pub const RECENT: Duration = Duration::from_secs(3);

/// How old a fill is that the stream should have brought by now. A younger one may be on its way.
pub const MISSED_AFTER: Duration = Duration::from_secs(5);

/// For how long after its last lease recovery looks in the list of orders for one that was given up
/// while its fate was unknown. An open one is found in every run, for ever.
pub const LATE_ORDERS_WATCHED: Duration = Duration::from_secs(600);

const _: () = assert!(
    LATE_ORDERS_WATCHED.as_millis() > 10 * (ENGINE_DELAY.as_millis() + LOOKUP_LAG.as_millis()),
    "orders are watched for because the bounds of the exchange's documents may not hold"
);

/// The first pause before an order is placed again that the exchange ended, doubled each time.
pub const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest such pause.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(600);

/// How long a refusal for lack of funds, a halted market or the like rests before the next try.
pub const REFUSAL_PAUSE: Duration = Duration::from_secs(15);

/// How long an account rests that the exchange banned without saying for how long.
pub const BAN_PAUSE: Duration = Duration::from_secs(120);

/// How often recovery looks at a bot on one machine.
pub const RECOVERY_EVERY: Duration = Duration::from_secs(10);

/// How often a bot that was stopped is compared all the same. An order that surfaces after the stop
/// is cancelled within this time; more often would take request weight from bots that trade, for
/// stopped bots are many in time and such orders few.
pub const STOPPED_EVERY: Duration = Duration::from_secs(600);

/// How often recovery looks at a bot on AWS: at each run of the schedule, which comes every minute. A
/// little less, so that a run that comes early does not leave a bot out.
pub const RECOVERY_EVERY_ON_AWS: Duration = Duration::from_secs(55);

/// For how long a run of recovery begins with levels: those it did not come to are left for the next
/// one, so that a bot whose exchange answers slowly is not looked at by more and more runs at once.
pub const RECOVERY_RUN: Duration = Duration::from_secs(40);

const _: () = assert!(
    RECOVERY_RUN.as_millis() < RECOVERY_EVERY_ON_AWS.as_millis(),
    "a run is to be over, but for what it has begun, when the next one comes"
);

/// How often a bridge says that it lives.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// For how long a bridge counts as alive that was heard of.
pub const HEARTBEAT_LASTS: Duration = HEARTBEAT_EVERY.saturating_mul(3);

/// How long the function may run that handles reports. What it cannot begin with [`HANDLE_TIMEOUT`]
/// left goes back to the queue.
pub const FILL_FUNCTION_TIMEOUT: Duration = Duration::from_secs(70);

const _: () = assert!(
    FILL_FUNCTION_TIMEOUT.as_millis() > HANDLE_TIMEOUT.as_millis()
        && VISIBILITY.as_millis() > FILL_FUNCTION_TIMEOUT.as_millis(),
    "a message stays invisible for as long as its function may run, and one message always fits"
);

/// How long the function may run that compares bots with the exchange.
pub const RECOVER_FUNCTION_TIMEOUT: Duration = Duration::from_secs(300);

/// For how long a received comparison stays invisible to other runs.
pub const RECONCILE_VISIBILITY: Duration = Duration::from_secs(330);

const _: () = assert!(
    RECOVER_FUNCTION_TIMEOUT.as_millis()
        > RECOVERY_RUN.as_millis() + 2 * HANDLE_TIMEOUT.as_millis() + 6 * QUERY_TIMEOUT.as_millis(),
    "a run has time for what it asks of the exchange, its levels, the last it began, and its end"
);

const _: () = assert!(
    RECONCILE_VISIBILITY.as_millis() > RECOVER_FUNCTION_TIMEOUT.as_millis(),
    "two runs of one message at once would only cost request weight, but they would cost it"
);

const _: () = assert!(
    domain::SELF_TRADE_PAUSE_LONGEST.as_millis() <= RECOVERY_EVERY.as_millis(),
    "recovery is what ends that pause"
);

/// How long after a gap the second reconciliation follows: what happened in the gap is then
/// visible to queries.
pub const SECOND_RECONCILE: Duration = LOOKUP_LAG.saturating_add(Duration::from_secs(5));

/// The longest message read from a queue, in bytes (the limit of SQS).
pub const MAX_MESSAGE_BYTES: usize = 262_144;

/// The most trades one message carries. A longer reply is passed on without its trades, which are
/// then fetched.
pub const MAX_TRADES_PER_MESSAGE: usize = 500;

const _: () = assert!(
    MAX_TRADES_PER_MESSAGE * 400 < MAX_MESSAGE_BYTES,
    "a trade takes less than 400 bytes as text, and all of a message's must fit into it"
);

/// The request weight the exchange takes from one address per minute (rest-api.md, "IP Limits").
pub const ADDRESS_WEIGHT: u32 = 6_000;

/// The request weight a bridge uses per minute that shares its address with trading.
pub const SHARED_BRIDGE_RATE: u32 = 600;

/// The request weight such a bridge uses at once after a quiet time, such as at start: enough for
/// some 300 accounts.
pub const SHARED_BRIDGE_BURST: u32 = 600;

/// The request weight that trading uses per minute beside such a bridge.
pub const SHARED_REST_WEIGHT: u32 = 4_600;

/// What a bridge may spend beyond its share: it gives up subscriptions and asks for the time without
/// being asked whether there is weight left.
const SHARED_MARGIN: u32 = 200;

const _: () = assert!(
    SHARED_BRIDGE_RATE + SHARED_BRIDGE_BURST + SHARED_REST_WEIGHT + SHARED_MARGIN <= ADDRESS_WEIGHT,
    "no minute may see more weight from one address than the exchange takes, bursts included"
);
