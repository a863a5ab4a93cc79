//! What is kept of a bot that a page watches: its last fills, what followed them, its round trips, its profit
//! over time.
//!
//! Start at [`Watched::of`], which takes the whole ledger once; after that [`Watched::take`] adds what is new.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::{Bot, Level, LevelIndex, LocalTime, OrderNumber, QuoteAmount, TradeId};
use serde::Serialize;
use trading::FillRecord;

use super::flow::FlowRow;
use super::latency::{Latency, Samples};
use super::rows::{FillRow, PricePoint, ProfitPoint, TripRow};
use crate::ledger::{Earned, Replay, RoundTrip, in_order_of_booking};
use crate::table::amount;

/// How many of the last of each are kept.
const FILLS: usize = 500;
const TRIPS: usize = 200;
const FLOW: usize = 100;
const PROFIT: usize = 500;
const PRICES: usize = 1_000;

const MINUTE_MS: i64 = 60_000;

/// How many minutes the rate of fills goes back.
const MINUTES: i64 = 60;

/// What is kept of a watched bot.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    replays: BTreeMap<LevelIndex, Replay>,
    known: BTreeSet<(LevelIndex, OrderNumber, TradeId)>,
    pub(super) fills: VecDeque<FillRow>,
    pub(super) trips: VecDeque<TripRow>,
    pub(super) flow: VecDeque<FlowRow>,
    pub(super) profit: VecDeque<ProfitPoint>,
    pub(super) prices: VecDeque<PricePoint>,
    /// The last fill of each level that led to an order: what became of that is still to be told.
    causes: BTreeMap<LevelIndex, FillRecord>,
    realized: QuoteAmount,
    per_minute: BTreeMap<i64, u32>,
    delivery: Samples,
    booking: Samples,
    reaction: Samples,
}

/// What came new.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) fills: Vec<FillRow>,
    pub(super) trips: Vec<TripRow>,
    pub(super) flow: Vec<FlowRow>,
    pub(super) profit: Vec<ProfitPoint>,
}

/// Rates and latencies of a bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Stats {
    fills_per_minute: Vec<MinuteRow>,
    latencies: Vec<Latency>,
}

/// How many fills a minute had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MinuteRow {
    at: i64,
    fills: u32,
}

impl Watched {
    /// What a bot's whole ledger comes to.
    pub(super) fn of(bot: &Bot, levels: &[Level], mut fills: Vec<FillRecord>) -> Self {
        in_order_of_booking(&mut fills);
        let mut watched = Self {
            replays: BTreeMap::new(),
            known: BTreeSet::new(),
            fills: VecDeque::new(),
            trips: VecDeque::new(),
            flow: VecDeque::new(),
            profit: VecDeque::new(),
            prices: VecDeque::new(),
            causes: BTreeMap::new(),
            realized: QuoteAmount::ZERO,
            per_minute: BTreeMap::new(),
            delivery: Samples::default(),
            booking: Samples::default(),
            reaction: Samples::default(),
        };
        let (mut earned, mut trips) = (Vec::new(), Vec::new());
        for level in levels {
            let from = fills.partition_point(|fill| fill.level < level.index);
            let to = fills.partition_point(|fill| fill.level <= level.index);
            let of_level = fills.get(from..to).unwrap_or_default();
            let mut replay = Replay::new(bot, level, of_level);
            for fill in of_level {
                let (sale, over) = replay.book(bot, fill);
                earned.extend(sale);
                trips.extend(over);
            }
            trips.extend(replay.settle(bot, level));
            watched.replays.insert(level.index, replay);
        }
        earned.sort_by_key(|sale: &Earned| sale.at);
        trips.sort_by_key(|trip: &RoundTrip| trip.closed_at);
        let points: Vec<ProfitPoint> = earned.iter().map(|sale| watched.earn(sale)).collect();
        watched.profit = thinned(points).into();
        let last = trips.len().saturating_sub(TRIPS);
        watched.trips = trips.iter().skip(last).map(TripRow::from).collect();
        fills.sort_by_key(|fill| (fill.trade.time, fill.level, fill.trade.id));
        watched.remember(&fills, levels);
        watched
    }

    fn remember(&mut self, fills: &[FillRecord], levels: &[Level]) {
        for fill in fills {
            self.count(fill);
        }
        let last_of = |most: usize| fills.iter().skip(fills.len().saturating_sub(most));
        self.fills = last_of(FILLS).map(FillRow::of).collect();
        self.prices = last_of(FILLS)
            .map(|fill| PricePoint {
                at: fill.trade.time.as_millis(),
                price: fill.trade.price,
            })
            .collect();
        let causes = fills.iter().filter(|fill| fill.caused.is_some());
        self.causes
            .extend(causes.map(|fill| (fill.level, fill.clone())));
        for fill in last_of(FLOW) {
            let level = levels.iter().find(|level| level.index == fill.level);
            let row = FlowRow::of(fill, level);
            self.reaction.extend(row.reaction_ms());
            self.flow.push_back(row);
        }
    }

    /// Adds what is new among these fills of one level. `level` is its record, read before or after them.
    pub(super) fn take(&mut self, bot: &Bot, level: &Level, fills: &[FillRecord]) -> News {
        let mut news = News::default();
        let mut fresh: Vec<FillRecord> = fills
            .iter()
            .filter(|fill| !self.known.contains(&key(fill)))
            .cloned()
            .collect();
        in_order_of_booking(&mut fresh);
        let mut replay = self
            .replays
            .remove(&level.index)
            .unwrap_or_else(|| Replay::new(bot, level, &[]));
        for fill in &fresh {
            self.count(fill);
            let (sale, over) = replay.book(bot, fill);
            if let Some(sale) = sale {
                news.profit.push(self.earn(&sale));
            }
            news.trips.extend(over.iter().map(TripRow::from));
            news.fills.push(FillRow::of(fill));
            let row = FlowRow::of(fill, Some(level));
            self.reaction.extend(row.reaction_ms());
            news.flow.push(row);
            if fill.caused.is_some() {
                self.causes.insert(level.index, fill.clone());
            }
            let at = fill.trade.time.as_millis();
            self.price(PricePoint {
                at,
                price: fill.trade.price,
            });
        }
        let over = replay.settle(bot, level);
        news.trips.extend(over.iter().map(TripRow::from));
        self.replays.insert(level.index, replay);
        keep(&mut self.fills, news.fills.iter().cloned(), FILLS);
        keep(&mut self.trips, news.trips.iter().cloned(), TRIPS);
        keep(&mut self.flow, news.flow.iter().cloned(), FLOW);
        news.flow.extend(self.went_on(level));
        keep(&mut self.profit, news.profit.iter().cloned(), PROFIT);
        news
    }

    /// What became of the order that a level's last fill led to, where that is news.
    fn went_on(&mut self, level: &Level) -> Option<FlowRow> {
        let row = FlowRow::of(self.causes.get(&level.index)?, Some(level));
        let mut told = self.flow.iter_mut().rev();
        let told = told.find(|told| told.id == row.id)?;
        if *told == row || !told.is_bettered_by(&row) {
            return None;
        }
        if told.reaction_ms().is_none() {
            self.reaction.extend(row.reaction_ms());
        }
        *told = row.clone();
        Some(row)
    }

    /// Whether the ledger, as far as it is known here, comes to what a level's record says. If not, a fill was
    /// booked beside its order, and the ledger has to be read anew.
    pub(super) fn agrees(&self, level: &Level) -> bool {
        let Some(replay) = self.replays.get(&level.index) else {
            return level.order.is_none();
        };
        replay.level().base == level.base
    }

    /// Takes note of a price.
    pub(super) fn price(&mut self, point: PricePoint) {
        keep(&mut self.prices, [point], PRICES);
    }

    /// How many fills there are in all.
    pub(super) fn total(&self) -> usize {
        self.known.len()
    }

    /// Rates and latencies. `reactions` are those of this process, where it is the one that trades.
    pub(super) fn stats(&mut self, now: LocalTime, reactions: Option<Samples>) -> Stats {
        let last = now.as_millis().div_euclid(MINUTE_MS);
        let first = last.saturating_sub(MINUTES).saturating_add(1);
        self.per_minute = self.per_minute.split_off(&first);
        let minutes = (first..=last).map(|minute| MinuteRow {
            at: minute.saturating_mul(MINUTE_MS),
            fills: self.per_minute.get(&minute).copied().unwrap_or(0),
        });
        let reaction = match &reactions {
            Some(here) => here.latency(
                "report to order",
                "from receiving the report that completes an order until the opposite order is accepted, in this process since its start",
            ),
            None => self.reaction.latency(
                "report to order",
                "from receiving the report that completes an order until the opposite order is accepted: recorded for orders that are their level's current one",
            ),
        };
        Stats {
            fills_per_minute: minutes.collect(),
            latencies: vec![
                reaction,
                self.delivery.latency(
                    "delivery",
                    "from the trade, by the exchange's clock, until the report is received, by this system's: two clocks, so it may be off by what they differ",
                ),
                self.booking.latency(
                    "decision",
                    "from receiving the report until it is decided and its booking begins",
                ),
            ],
        }
    }

    fn count(&mut self, fill: &FillRecord) {
        if !self.known.insert(key(fill)) {
            return;
        }
        let at = fill.trade.time.as_millis();
        let in_minute = self.per_minute.entry(at.div_euclid(MINUTE_MS)).or_insert(0);
        *in_minute = in_minute.saturating_add(1);
        let (received, committed) = (fill.received_at.as_millis(), fill.committed_at.as_millis());
        self.booking.push(committed.saturating_sub(received));
        if fill.source == domain::Source::Stream {
            self.delivery.push(received.saturating_sub(at));
        }
    }

    fn earn(&mut self, sale: &Earned) -> ProfitPoint {
        let sum = self.realized.checked_add(sale.profit);
        self.realized = sum.unwrap_or(self.realized);
        ProfitPoint {
            at: sale.at.as_millis(),
            realized: amount(self.realized.decimal()),
        }
    }
}

const fn key(fill: &FillRecord) -> (LevelIndex, OrderNumber, TradeId) {
    (fill.level, fill.no, fill.trade.id)
}

/// Appends, and lets go of the oldest beyond `most`.
fn keep<T>(kept: &mut VecDeque<T>, more: impl IntoIterator<Item = T>, most: usize) {
    kept.extend(more);
    while kept.len() > most {
        kept.pop_front();
    }
}

/// At most [`PROFIT`] of these points, evenly chosen, the last one among them.
fn thinned(points: Vec<ProfitPoint>) -> Vec<ProfitPoint> {
    let every = points.len().div_ceil(PROFIT).max(1);
    let last = points.len().saturating_sub(1) % every;
    points
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % every == last)
        .map(|(_, point)| point)
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::{OrderState, Side};

    use super::*;
    use crate::ledger::tests::fill;
    use crate::words::tests::{bot, level, order};

    fn a_trip(first: u32, at: i64) -> [FillRecord; 2] {
        [
            fill(
                (first, Side::Buy),
                at,
                ("10", "1"),
                ("0", "ETH"),
                Some(Side::Sell),
            ),
            fill(
                (first + 1, Side::Sell),
                at + 10,
                ("10", "1.5"),
                ("0", "ETH"),
                Some(Side::Buy),
            ),
        ]
    }

    #[test]
    fn what_comes_later_adds_to_what_was_there_and_nothing_counts_twice() {
        let (bot, mut level) = (bot(), level());
        let earlier = a_trip(1, 1_000);
        let mut watched = Watched::of(&bot, &[level.clone()], earlier.to_vec());
        assert_eq!((watched.total(), watched.trips.len()), (2, 1));
        assert!(watched.agrees(&level));
        let later = a_trip(3, 2_000);
        let mut all = earlier.to_vec();
        all.extend(later.clone());
        level.order = Some(order(OrderState::Open));
        let news = watched.take(&bot, &level, &all);
        assert_eq!((news.fills.len(), news.trips.len()), (2, 1));
        assert_eq!(news.profit.last().unwrap().realized, "10");
        let again = watched.take(&bot, &level, &all);
        assert!(again.fills.is_empty() && again.trips.is_empty() && again.profit.is_empty());
        // Read at once or as they came, it is the same.
        let at_once = Watched::of(&bot, &[level.clone()], all);
        assert_eq!(at_once.fills, watched.fills);
        assert_eq!(at_once.trips, watched.trips);
        assert_eq!(at_once.profit, watched.profit);
        level.base = "1".parse().unwrap();
        assert!(!watched.agrees(&level));
    }

    #[test]
    fn the_rate_covers_the_last_hour_minute_by_minute() {
        let now = 1_790_000_000_000;
        let fills = [a_trip(1, now - 30_000), a_trip(3, now - 2 * 3_600_000)].concat();
        let mut watched = Watched::of(&bot(), &[level()], fills);
        let stats = watched.stats(LocalTime::from_millis(now), None);
        assert_eq!(stats.fills_per_minute.len(), 60);
        let all: u32 = stats
            .fills_per_minute
            .iter()
            .map(|minute| minute.fills)
            .sum();
        assert_eq!(all, 2);
        let last = stats.fills_per_minute.last().unwrap();
        assert!(last.at <= now && now < last.at + MINUTE_MS);
        let counts: Vec<usize> = stats
            .latencies
            .iter()
            .map(|latency| latency.count)
            .collect();
        assert_eq!(counts, [0, 4, 4]);
        assert_eq!(stats.latencies[1].worst, Some(2));
        assert_eq!(stats.latencies[2].worst, Some(1));
    }

    #[test]
    fn many_points_of_profit_are_thinned_and_the_last_one_stays() {
        let point = |at| ProfitPoint {
            at,
            realized: at.to_string(),
        };
        for number in [0, 1, 499, 500, 501, 1_777] {
            let thin = thinned((0..number).map(point).collect());
            assert!(thin.len() <= PROFIT, "{number}");
            assert_eq!(
                thin.last().map(|point| point.at),
                (number > 0).then_some(number - 1)
            );
        }
    }
}
