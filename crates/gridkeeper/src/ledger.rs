//! A level's ledger told again, trade by trade: what each sale earned, and the round trips.
//!
//! Start at [`Replay`]. Books with [`domain::book_trade`], the code that booked each trade when it came, and
//! in the order in which they were booked: what it comes to is what the level's record says.

use std::collections::BTreeMap;

use domain::{
    Asset, Assets, BaseAmount, Bot, ExchangeTime, FirstInventory, Level, LevelIndex, OrderNumber,
    OrderState, Quantity, QuoteAmount, Side, book_trade, is_sellable,
};
use serde::Serialize;
use trading::FillRecord;

/// A purchase and its sale, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundTrip {
    /// The level.
    pub level: LevelIndex,
    /// The number of the order that ended it.
    pub no: OrderNumber,
    /// When its first purchase traded; `None` where what was sold came from the balance.
    pub opened_at: Option<ExchangeTime>,
    /// When its last sale traded.
    pub closed_at: ExchangeTime,
    /// Base bought, before fees.
    pub bought: Quantity,
    /// What was paid for it, in quote, before fees.
    pub bought_for: QuoteAmount,
    /// Base sold.
    pub sold: Quantity,
    /// What that brought, in quote, before fees.
    pub sold_for: QuoteAmount,
    /// Fees paid in all, by asset.
    pub fees: BTreeMap<Asset, Quantity>,
    /// What it earned, in quote, after fees in base and quote: as the level books it.
    pub profit: QuoteAmount,
}

/// What a sale earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earned {
    /// When it traded.
    pub at: ExchangeTime,
    /// In quote, after fees.
    pub profit: QuoteAmount,
}

/// A level as its ledger makes it, so far.
#[derive(Debug, Clone)]
pub struct Replay {
    level: Level,
    trip: Option<Trip>,
}

/// A round trip that is not over.
#[derive(Debug, Clone)]
struct Trip {
    opened_at: Option<ExchangeTime>,
    bought: Quantity,
    bought_for: QuoteAmount,
    sold: Quantity,
    sold_for: QuoteAmount,
    fees: BTreeMap<Asset, Quantity>,
    profit: QuoteAmount,
    last_sale: Option<(OrderNumber, ExchangeTime)>,
}

/// Puts the ledger of one level in the order in which it was booked.
pub fn in_order_of_booking(fills: &mut [FillRecord]) {
    fills.sort_by_key(|fill| (fill.level, fill.committed_at, fill.no, fill.trade.id));
}

impl Replay {
    /// The level before its first trade. `fills` is its whole ledger, which tells what it took from the
    /// balance at its start, if it did.
    #[must_use]
    pub fn new(bot: &Bot, level: &Level, fills: &[FillRecord]) -> Self {
        let (base, cost) = match bot.plan.first_inventory {
            FirstInventory::Buy => (BaseAmount::ZERO, QuoteAmount::ZERO),
            FirstInventory::FromBalance => taken(bot, level, fills).unwrap_or_default(),
        };
        let start = Level {
            order: None,
            previous: None,
            base,
            cost,
            realized_profit: QuoteAmount::ZERO,
            round_trips: 0,
            fees: BTreeMap::new(),
            ..level.clone()
        };
        Self {
            level: start,
            trip: None,
        }
    }

    /// All round trips of a level. `fills` is its whole ledger, in the order in which it was booked.
    #[must_use]
    pub fn trips_of(bot: &Bot, level: &Level, fills: &[FillRecord]) -> Vec<RoundTrip> {
        let mut replay = Self::new(bot, level, fills);
        let mut trips = Vec::new();
        for fill in fills {
            trips.extend(replay.book(bot, fill).1);
        }
        trips.extend(replay.settle(bot, level));
        trips
    }

    /// Books the next trade. Gives what it earned, if it was a sale, and the round trips that are over.
    pub fn book(&mut self, bot: &Bot, fill: &FillRecord) -> (Option<Earned>, Vec<RoundTrip>) {
        let mut over = Vec::new();
        let last_sale = self.trip.as_ref().and_then(|trip| trip.last_sale);
        if fill.side == Side::Buy && last_sale.is_some_and(|(no, _)| no < fill.no) {
            over.extend(self.close(bot));
        }
        let Some(after) = book_trade(&self.level, fill.side, &fill.trade, assets(bot)) else {
            // It was booked once, so it fits; a ledger that says otherwise is for the audit to tell.
            return (None, over);
        };
        let profit = after
            .realized_profit
            .checked_sub(self.level.realized_profit)
            .unwrap_or_default();
        self.level = after;
        self.trip.get_or_insert_with(Trip::empty).take(fill, profit);
        let earned = (fill.side == Side::Sell).then_some(Earned {
            at: fill.trade.time,
            profit,
        });
        let sells_on = fill
            .caused_order
            .is_some_and(|order| order.side == Side::Sell);
        if fill.side == Side::Sell && fill.caused.is_some() && !sells_on {
            over.extend(self.close(bot));
        }
        (earned, over)
    }

    /// Ends the round trip whose last sale led to no order by itself, where the level as it is now shows that
    /// the sale is over.
    pub fn settle(&mut self, bot: &Bot, level: &Level) -> Option<RoundTrip> {
        let (no, _) = self.trip.as_ref()?.last_sale?;
        let order = level.order.as_ref()?;
        let is_over = if order.no == no {
            order.state == OrderState::Idle
        } else {
            order.no > no && order.intent.side == Side::Buy
        };
        if is_over { self.close(bot) } else { None }
    }

    /// The level as its ledger makes it.
    #[must_use]
    pub const fn level(&self) -> &Level {
        &self.level
    }

    /// Ends the round trip, unless what is left is to be sold as well.
    fn close(&mut self, bot: &Bot) -> Option<RoundTrip> {
        if is_sellable(bot, &self.level, None) {
            return None;
        }
        let trip = self.trip.take()?;
        let (no, closed_at) = trip.last_sale?;
        Some(RoundTrip {
            level: self.level.index,
            no,
            opened_at: trip.opened_at,
            closed_at,
            bought: trip.bought,
            bought_for: trip.bought_for,
            sold: trip.sold,
            sold_for: trip.sold_for,
            fees: trip.fees,
            profit: trip.profit,
        })
    }
}

impl Trip {
    fn empty() -> Self {
        Self {
            opened_at: None,
            bought: Quantity::ZERO,
            bought_for: QuoteAmount::ZERO,
            sold: Quantity::ZERO,
            sold_for: QuoteAmount::ZERO,
            fees: BTreeMap::new(),
            profit: QuoteAmount::ZERO,
            last_sale: None,
        }
    }

    /// Beyond 28 digits a sum for people keeps its last value; the ledger stays exact.
    fn take(&mut self, fill: &FillRecord, profit: QuoteAmount) {
        let trade = &fill.trade;
        let (quantity, quote) = match fill.side {
            Side::Buy => (&mut self.bought, &mut self.bought_for),
            Side::Sell => (&mut self.sold, &mut self.sold_for),
        };
        *quantity = quantity.checked_add(trade.quantity).unwrap_or(*quantity);
        *quote = quote.checked_add(trade.quote).unwrap_or(*quote);
        self.profit = self.profit.checked_add(profit).unwrap_or(self.profit);
        if let Some(fee) = trade.fee.as_ref().filter(|fee| !fee.amount.is_zero()) {
            let paid = self.fees.entry(fee.asset.clone()).or_insert(Quantity::ZERO);
            *paid = paid.checked_add(fee.amount).unwrap_or(*paid);
        }
        match fill.side {
            Side::Buy => {
                self.opened_at.get_or_insert(trade.time);
            }
            Side::Sell => self.last_sale = Some((fill.no, trade.time)),
        }
    }
}

/// What a level had taken from the balance before its first trade, and at which cost: what it has now less
/// what its ledger moved.
fn taken(bot: &Bot, level: &Level, fills: &[FillRecord]) -> Option<(BaseAmount, QuoteAmount)> {
    let (mut base, mut cost) = (level.base, level.cost);
    for fill in fills {
        let trade = &fill.trade;
        let fee = trade.fee.as_ref();
        let in_base = fee.filter(|fee| fee.asset == bot.rules.base);
        let in_quote = fee.filter(|fee| fee.asset == bot.rules.quote);
        let quantity = BaseAmount::from(trade.quantity);
        base = match fill.side {
            Side::Buy => base.checked_sub(quantity)?,
            Side::Sell => base.checked_add(quantity)?,
        };
        if let Some(fee) = in_base {
            base = base.checked_add(BaseAmount::from(fee.amount))?;
        }
        let fee = in_quote.map_or(QuoteAmount::ZERO, |fee| {
            QuoteAmount::new(fee.amount.decimal())
        });
        cost = match fill.side {
            Side::Buy => cost.checked_sub(trade.quote)?.checked_sub(fee)?,
            Side::Sell => cost.checked_add(trade.quote)?.checked_sub(fee)?,
        };
    }
    // What sales brought over their cost is not cost.
    Some((base, cost.checked_sub(level.realized_profit)?))
}

fn assets(bot: &Bot) -> Assets<'_> {
    Assets {
        base: &bot.rules.base,
        quote: &bot.rules.quote,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::{ExchangeOrderId, Fee, LocalTime, Source, Trade, TradeId};
    use trading::{BookedAs, OrderSummary};

    use super::*;
    use crate::words::tests::{bot, level, order};

    /// A fill of the level of [`level`] at so many milliseconds; `next` is what it led to.
    pub(crate) fn fill(
        (no, side): (u32, Side),
        at: i64,
        (quantity, price): (&str, &str),
        fee: (&str, &str),
        next: Option<Side>,
    ) -> FillRecord {
        let (quantity, price): (Quantity, domain::Price) =
            (quantity.parse().unwrap(), price.parse().unwrap());
        FillRecord {
            bot: bot().id,
            level: level().index,
            no: OrderNumber(no),
            side,
            exchange_order_id: ExchangeOrderId(i64::from(no)),
            trade: Trade {
                id: TradeId(at),
                price,
                quantity,
                quote: price.times(quantity).unwrap(),
                fee: Some(Fee {
                    amount: fee.0.parse().unwrap(),
                    asset: fee.1.parse().unwrap(),
                }),
                maker: true,
                time: ExchangeTime::from_millis(at),
            },
            source: Source::Stream,
            booked_as: BookedAs::Next,
            by_recovery: false,
            caused: next.map(|_| OrderNumber(no + 1)),
            caused_order: next.map(|side| OrderSummary {
                side,
                price,
                quantity,
            }),
            received_at: LocalTime::from_millis(at + 2),
            committed_at: LocalTime::from_millis(at + 3),
        }
    }

    fn replayed(bot: &Bot, level: &Level, fills: &[FillRecord]) -> (Replay, Vec<RoundTrip>) {
        let mut replay = Replay::new(bot, level, fills);
        let over = fills.iter().flat_map(|fill| replay.book(bot, fill).1);
        let trips: Vec<RoundTrip> = over.collect();
        (replay, trips)
    }

    #[test]
    fn a_purchase_and_its_sale_are_one_trip_with_what_it_earned_after_fees() {
        let fills = [
            fill((1, Side::Buy), 10, ("4", "1"), ("0.004", "XRP"), None),
            fill(
                (1, Side::Buy),
                11,
                ("6", "1"),
                ("0.006", "XRP"),
                Some(Side::Sell),
            ),
            fill((2, Side::Sell), 20, ("5", "1.5"), ("0.01", "ETH"), None),
            fill(
                (2, Side::Sell),
                21,
                ("4.99", "1.5"),
                ("0.005", "ETH"),
                Some(Side::Buy),
            ),
            fill(
                (3, Side::Buy),
                30,
                ("10", "1"),
                ("0.1", "BNB"),
                Some(Side::Sell),
            ),
        ];
        let (bot, level) = (bot(), level());
        let (replay, trips) = replayed(&bot, &level, &fills);
        let [trip] = &trips[..] else {
            panic!("{trips:?}");
        };
        assert_eq!(
            (trip.no, trip.opened_at),
            (OrderNumber(2), Some(ExchangeTime::from_millis(10)))
        );
        assert_eq!(trip.closed_at, ExchangeTime::from_millis(21));
        assert_eq!(trip.bought, "10".parse().unwrap());
        assert_eq!(trip.sold, "9.99".parse().unwrap());
        // 9.99 * 1.5 - 0.015 - 10
        assert_eq!(trip.profit, "4.97".parse().unwrap());
        assert_eq!(trip.fees.len(), 2);
        assert_eq!(replay.level().realized_profit, trip.profit);
        assert_eq!(replay.level().base, "10".parse().unwrap());
        assert_eq!(replay.level().cost, "10".parse().unwrap());
    }

    #[test]
    fn a_sale_after_which_more_is_sold_ends_nothing() {
        let fills = [
            fill(
                (1, Side::Buy),
                10,
                ("10", "1"),
                ("0", "ETH"),
                Some(Side::Sell),
            ),
            fill(
                (2, Side::Sell),
                20,
                ("6", "1.5"),
                ("0", "ETH"),
                Some(Side::Sell),
            ),
        ];
        let (bot, mut level) = (bot(), level());
        let (mut replay, trips) = replayed(&bot, &level, &fills);
        assert_eq!(trips, []);
        // The rest is sold while the bot is stopped: nothing follows, and its level rests.
        let last = fill((3, Side::Sell), 30, ("4", "1.4"), ("0", "ETH"), None);
        assert_eq!(replay.book(&bot, &last).1, []);
        let mut resting = order(OrderState::Open);
        resting.no = OrderNumber(3);
        level.order = Some(resting.clone());
        assert_eq!(replay.settle(&bot, &level), None);
        resting.state = OrderState::Idle;
        level.order = Some(resting);
        let trip = replay.settle(&bot, &level).unwrap();
        assert_eq!(
            (trip.sold, trip.profit),
            ("10".parse().unwrap(), "4.6".parse().unwrap())
        );
        assert_eq!(replay.settle(&bot, &level), None);
    }

    #[test]
    fn a_sale_whose_end_brought_no_trade_ends_with_the_next_purchase() {
        let fills = [
            fill(
                (1, Side::Buy),
                10,
                ("10", "1"),
                ("0", "ETH"),
                Some(Side::Sell),
            ),
            fill((2, Side::Sell), 20, ("10", "1.5"), ("0", "ETH"), None),
            fill((3, Side::Buy), 30, ("10", "1"), ("0", "ETH"), None),
        ];
        let (replay, trips) = replayed(&bot(), &level(), &fills);
        assert_eq!(trips.len(), 1, "{trips:?}");
        assert_eq!(trips[0].bought, "10".parse().unwrap());
        assert_eq!(replay.level().base, "10".parse().unwrap());
    }

    #[test]
    fn what_came_from_the_balance_is_where_the_replay_begins() {
        let (mut bot, mut level) = (bot(), level());
        bot.plan.first_inventory = FirstInventory::FromBalance;
        let sale = fill(
            (1, Side::Sell),
            10,
            ("10", "1.5"),
            ("0.5", "ETH"),
            Some(Side::Buy),
        );
        level.realized_profit = "4.5".parse().unwrap();
        let replay = Replay::new(&bot, &level, std::slice::from_ref(&sale));
        assert_eq!(replay.level().base, "10".parse().unwrap());
        assert_eq!(replay.level().cost, "10".parse().unwrap());
        let (replay, trips) = replayed(&bot, &level, &[sale]);
        assert_eq!(trips[0].opened_at, None);
        assert_eq!(replay.level().realized_profit, level.realized_profit);
        assert!(replay.level().base.is_zero());
    }
}
