//! What people read: one word for each thing.

use std::collections::BTreeSet;

use domain::{
    DesiredStatus, ExchangeOrderId, HoldReason, ObservedStatus, QuoteAmount, RefusalReason, TradeId,
};

#[test]
fn each_status_has_a_word_of_its_own() {
    let desired = [
        DesiredStatus::Ready,
        DesiredStatus::Running,
        DesiredStatus::Paused,
        DesiredStatus::Stopped,
        DesiredStatus::StoppedAndSold,
    ];
    let words: BTreeSet<String> = desired.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), desired.len());
    let observed = [
        ObservedStatus::Ready,
        ObservedStatus::Running,
        ObservedStatus::Paused,
        ObservedStatus::Stopping,
        ObservedStatus::Stopped,
    ];
    let words: BTreeSet<String> = observed.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), observed.len());
}

#[test]
fn each_reason_to_hold_has_words_of_its_own() {
    let missing: QuoteAmount = "0.6".parse().unwrap();
    let all = [
        HoldReason::Paused,
        HoldReason::Stopped,
        HoldReason::OutsideBand,
        HoldReason::TooManyOrders,
        HoldReason::AccountStopped,
        HoldReason::MarketClosed,
        HoldReason::BelowMinimum {
            value: "4.4".parse().unwrap(),
            missing,
        },
        HoldReason::Unsizable,
    ];
    let words: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), all.len());
    assert!(words.contains("0.6 below the minimum value"), "{words:?}");
}

#[test]
fn each_refusal_has_words_of_its_own() {
    let all = [
        RefusalReason::InsufficientBalance,
        RefusalReason::WouldTake,
        RefusalReason::MarketClosed,
        RefusalReason::Filter,
        RefusalReason::RateLimited,
        RefusalReason::Overloaded,
        RefusalReason::AccountStopped,
        RefusalReason::BadRequest,
        RefusalReason::WindowExpired,
        RefusalReason::Backoff,
    ];
    let words: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), all.len());
}

#[test]
fn ids_are_written_as_the_exchange_writes_them() {
    assert_eq!(ExchangeOrderId(42).to_string(), "42");
    assert_eq!(TradeId(-1).to_string(), "-1");
}
