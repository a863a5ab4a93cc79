//! Ways in which a handler may be wrong, so that the simulation can show that it would notice.
//!
//! Entry point: [`Mistake`]. The shipped code runs unchanged; a port does what a system with that
//! mistake would have done instead. Each is made in one place, next to the truth, and named there.

/// One mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mistake {
    /// An order is written down as placed before it is sent.
    MarkThenPlace,
    /// An order is sent before the fill that caused it is written down.
    PlaceThenMark,
    /// Nobody keeps others from sending what is being sent.
    NoLease,
    /// The lease is over while its request can still be accepted.
    ShortLease,
    /// An order that is not found right after an unclear answer counts as not placed.
    NotFoundIsProof,
    /// After an unclear answer the order is sent again at once, under a new id.
    FreshIdPerRetry,
    /// A trade id that was seen before, of whatever symbol or bot, counts as a fill seen before.
    TradeIdAlone,
    /// On a cancel, the order is taken to be the one that `c` names.
    CancelIdFromC,
    /// What follows a purchase is sized from what was asked for, not from what was executed.
    SizeFromQuantity,
    /// Of several trades, only the last one's fee is counted.
    LastFeeOnly,
    /// Trades before the reported one are taken for booked.
    MissingIgnored,
    /// A refusal is taken for an unclear answer.
    RefusalIsUnknown,
    /// An unclear answer is taken for a refusal.
    UnknownIsRefusal,
    /// An order is looked for by its side and price.
    MatchByPrice,
    /// Whether a lease is over is judged by our clock and the difference to the exchange's once measured.
    StoredOffset,
    /// A request outside its window is signed anew under the old lease.
    ResignOldLease,
    /// A refusal settles whatever attempt is under way by then.
    LateRefusalSettles,
    /// A report is booked as it comes, as long as it shows more than is booked.
    OutOfOrder,
    /// Whatever order carries the id is taken for ours.
    AdoptAny,
    /// An order that executed at once is settled before its fills are put on the queue.
    SettleBeforeQueue,
    /// After a cancel, the rest is bought again beside the sale of what was bought.
    SideBySide,
    /// Neither the level's version nor the fills in the ledger are looked at when committing.
    NoGuards,
}

impl Mistake {
    /// Every mistake.
    pub const ALL: [Self; 22] = [
        Self::MarkThenPlace,
        Self::PlaceThenMark,
        Self::NoLease,
        Self::ShortLease,
        Self::NotFoundIsProof,
        Self::FreshIdPerRetry,
        Self::TradeIdAlone,
        Self::CancelIdFromC,
        Self::SizeFromQuantity,
        Self::LastFeeOnly,
        Self::MissingIgnored,
        Self::RefusalIsUnknown,
        Self::UnknownIsRefusal,
        Self::MatchByPrice,
        Self::StoredOffset,
        Self::ResignOldLease,
        Self::LateRefusalSettles,
        Self::OutOfOrder,
        Self::AdoptAny,
        Self::SettleBeforeQueue,
        Self::SideBySide,
        Self::NoGuards,
    ];

    /// The mistake of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mistake| format!("{mistake:?}") == name)
    }
}
