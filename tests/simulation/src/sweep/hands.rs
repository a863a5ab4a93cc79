//! The hands of others: the market, the operator, the exchange's own, and strangers who type our ids.

use domain::{ClientOrderId, DesiredStatus, OrderNumber, OrderState, Side};
use exchange_simulator::faults::MarketFault;
use exchange_simulator::model::{self, NewOrder, Reject, SymbolStatus};
use rand::Rng;
use rand::seq::IndexedRandom;
use rust_decimal::Decimal;
use trading::Admission;

use super::life::Life;
use super::mix::Market;
use crate::exchange::{Answered, Journey};
use crate::store::StoreFault;
use crate::{account_id, bot_id};

impl Life<'_> {
    /// A trade in the outside market, with whatever else happens to orders at that moment.
    pub(super) fn market(&mut self) {
        let market = *self.markets.choose(&mut self.random).unwrap();
        let (low, high) = market.prices;
        let price = Decimal::new(self.random.random_range(low..high), 3).round_dp(2);
        let largest = if self.random.random_bool(0.5) {
            market.small_print * 25
        } else {
            market.small_print
        };
        // Tenths, so that what is left of an order may be too small to sell.
        let quantity = Decimal::new(self.random.random_range(1..=i64::from(largest) * 10), 1);
        self.meddle(market);
        self.world.exchange.with_model(|model, now| {
            model.print(now, market.name, (price, quantity)).unwrap();
        });
    }

    fn meddle(&mut self, market: &Market) {
        let share = |of: usize, share: u32| of * usize::try_from(share).unwrap() / 1_000_000;
        let fault = self.world.exchange.state().injector.on_print();
        if let Some(MarketFault::Clock(offset)) = fault {
            // Ours is set, not the exchange's: its own times never go back.
            let jumped = self.world.clock.set_wall(offset);
            self.world.exchange.clock_jumped(jumped);
        }
        self.world.exchange.with_model(|model, now| {
            let symbol = market.name;
            let ids = model.open_order_ids(symbol);
            let chosen = |at: u32| ids.get(share(ids.len(), at)).copied();
            match fault {
                Some(MarketFault::Cancel(at)) => {
                    chosen(at).map(|id| model.cancel_from_outside(now, symbol, id));
                }
                Some(MarketFault::Expire(at)) => {
                    chosen(at).map(|id| model.expire(now, symbol, id));
                }
                Some(MarketFault::Amend(at)) => {
                    // An order amended to another id before we know of it cannot be told from
                    // somebody else's: here amends keep the id.
                    let half = |id| {
                        let state = model.order_state(symbol, id)?;
                        let half = (state.quantity / Decimal::TWO).trunc();
                        Some((id, half, state.client_order_id.to_string()))
                    };
                    if let Some((id, half, name)) = chosen(at).and_then(half) {
                        // Refused where half of it is executed already.
                        drop(model.amend(now, (symbol, id), half, Some(&name)));
                    }
                }
                Some(MarketFault::Clock(_)) | None => {}
            }
        });
    }

    /// The next placement meets with something rare.
    pub(super) fn ambush(&mut self) {
        let journey = match self.random.random_range(0..5) {
            0 => Journey::refused(Reject::too_many_orders(50, "10s", 3)),
            1 => Journey {
                answered: Answered::Truncated,
                ..Journey::default()
            },
            2 => Journey {
                answered: Answered::Page,
                ..Journey::default()
            },
            3 => Journey::refused(Reject::new_order("This symbol is not permitted now.")),
            _ => Journey::silence(),
        };
        self.world.exchange.script(journey);
    }

    /// The limits known on our side admit no order for a while, or do again.
    pub(super) fn pace(&mut self) {
        let until = self.world.now().after(std::time::Duration::from_secs(4));
        let admission = if self.random.random_bool(0.3) {
            Admission::NotBefore(until)
        } else {
            Admission::Now
        };
        self.world.exchange.set_admission(admission);
    }

    /// The next call of some name fails.
    pub(super) fn break_the_store(&mut self) {
        let calls = [
            "load",
            "commit_fill",
            "settle_intent",
            "claim_intent",
            "list_levels",
            "fills_of_order",
            "update_bot",
            "set_breaker",
            "add_event",
        ];
        let call = calls.choose(&mut self.random).unwrap();
        let faults = [StoreFault::Before, StoreFault::After, StoreFault::Throttled];
        let fault = *faults.choose(&mut self.random).unwrap();
        self.world.store.fail_next(call, fault);
    }

    /// The operator changes his mind about a bot.
    pub(super) fn operator(&mut self) {
        let wishes = [
            DesiredStatus::Paused,
            DesiredStatus::Running,
            DesiredStatus::Running,
            DesiredStatus::Stopped,
            DesiredStatus::StoppedAndSold,
        ];
        let wish = *wishes.choose(&mut self.random).unwrap();
        let bot = self.bots.choose(&mut self.random).unwrap().clone();
        self.world.note(|| format!("{bot} shall be {wish:?}"));
        self.world.desire(&bot, wish);
    }

    /// Rules change, or a symbol halts for a while.
    pub(super) fn change_rules(&mut self) {
        let market = *self.markets.choose(&mut self.random).unwrap();
        let coarse = self.random.random_bool(0.5);
        let halt = self.random.random_range(0..4);
        self.world.exchange.with_model(|model, now| {
            let Some(mut rules) = model.rules_of(market.name).cloned() else {
                return;
            };
            rules.step_size = Decimal::new(1, if coarse { 0 } else { 1 });
            rules.min_quantity = rules.step_size;
            rules.status = match halt {
                0 => SymbolStatus::Halt,
                1 => SymbolStatus::CancelOnly,
                _ => SymbolStatus::Trading,
            };
            model.set_rules(now, rules).unwrap();
        });
    }

    /// Every symbol trades again, by the rules as they are now.
    pub(super) fn mend_rules(&mut self) {
        for market in self.markets.clone() {
            self.world.exchange.with_model(|model, now| {
                if let Some(mut rules) = model.rules_of(market.name).cloned() {
                    rules.status = SymbolStatus::Trading;
                    model.set_rules(now, rules).unwrap();
                }
            });
        }
    }

    /// Funds come or go; fees may change their asset by it.
    pub(super) fn move_funds(&mut self) {
        let account = *self.accounts.choose(&mut self.random).unwrap();
        let (asset, most) = *[("BNB", 20), ("XRP", 100_000), ("USDT", 300_000)]
            .choose(&mut self.random)
            .unwrap();
        let delta = Decimal::new(self.random.random_range(-most..=most), 3);
        self.world.exchange.with_model(|model, now| {
            // Refused where there is not so much to take.
            model.move_funds(now, account, asset, delta);
        });
    }

    /// A trade key is replaced at the exchange, and in the store at once or later.
    pub(super) fn rotate(&mut self) {
        let account = account_id(self.accounts.choose(&mut self.random).unwrap());
        if self.random.random_bool(0.6) {
            let at_once = self.random.random_bool(0.5);
            self.world.exchange.rotate_key(&account, at_once);
        } else {
            self.mend_key(&account);
        }
    }

    /// The operator writes the new key and lets the account send again.
    pub(super) fn mend_key(&mut self, account: &domain::AccountId) {
        self.world.exchange.store_key(account);
        self.world.store.change_account(account, |record| {
            record.breaker = trading::Breaker::Closed;
            record.version += 1;
        });
    }

    /// Somebody places an order under one of our ids: the same order, or another one.
    pub(super) fn stranger(&mut self) {
        let bot = self.bots.choose(&mut self.random).unwrap().clone();
        let record = self.world.store.bot_now(&bot);
        let index = self.random.random_range(0..record.levels);
        let level = self.world.level(&bot, index);
        let Some(order) = &level.order else { return };
        let same = self.random.random_bool(0.5);
        let ahead = self.random.random_bool(0.2);
        let no = OrderNumber(order.no.0 + u32::from(ahead));
        let id = ClientOrderId {
            bot: bot.clone(),
            level: level.index,
            no,
        };
        let side = match order.intent.side {
            Side::Buy => model::Side::Buy,
            Side::Sell => model::Side::Sell,
        };
        let price = if same {
            order.intent.price.decimal()
        } else {
            order.intent.price.decimal() * Decimal::new(101, 2)
        };
        let quantity = order.intent.quantity.decimal();
        let symbol = record.rules.symbol.to_string();
        let typed = NewOrder::limit(&symbol, side, price.round_dp(2), quantity, &id.to_string());
        self.world
            .note(|| format!("somebody places an order as {id}"));
        self.world.meddle_with(&bot, level.index);
        self.world.exchange.with_model(|model, now| {
            // Refused where it breaks a rule.
            drop(model.place(now, record.account.as_str(), typed));
        });
    }

    /// The operator asks for a quarantined level to be looked at again.
    pub(super) fn release(&mut self) {
        for bot in self.bots.clone() {
            let record = self.world.store.bot_now(&bot);
            for index in 0..record.levels {
                let level = self.world.level(&bot, index);
                let quarantined = level
                    .order
                    .as_ref()
                    .is_some_and(|order| matches!(order.state, OrderState::Quarantined { .. }));
                if quarantined {
                    let world = self.world;
                    let released = trading::release_level(
                        &world.store,
                        &record.account,
                        &bot,
                        level.index,
                        world.now(),
                    );
                    drop(world.run(released));
                }
            }
        }
    }
}

/// The bots by their names.
pub(super) fn ids(names: &[&str]) -> Vec<domain::BotId> {
    names.iter().map(|name| bot_id(name)).collect()
}
