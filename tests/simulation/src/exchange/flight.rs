//! Requests under way: they arrive and take effect whether or not their sender still lives.

use std::sync::{Arc, Mutex};

use domain::ExchangeTime;
use exchange_simulator::model::{self, Reject};
use trading::{CLOCK_LEAD, PlaceOutcome, RECV_WINDOW, UnknownCause};

use super::answer::Written;
use super::translate::new_order;
use super::{Answered, Fate, Journey, ModelExchange, State, millis};

/// The answer and the instant it reaches the client, once both are known.
pub(super) type Reply = Mutex<Option<(i64, PlaceOutcome)>>;
pub(super) type Slot = Arc<Reply>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Door,
    Engine,
    Effect,
}

/// One placement under way.
#[derive(Debug)]
pub(super) struct Flight {
    stage: Stage,
    at_ms: i64,
    account: domain::AccountId,
    key: u32,
    order: trading::NewOrder,
    timestamp: ExchangeTime,
    journey: Journey,
    slot: Slot,
}

impl ModelExchange {
    /// Sends a placement on its way.
    pub(super) fn launch(
        &self,
        (account, key): (&domain::AccountId, u32),
        order: &trading::NewOrder,
        timestamp: ExchangeTime,
    ) -> Slot {
        let slot = Slot::default();
        let now = self.clock.millis();
        let mut state = self.state();
        let scripted = state.journeys.pop_front();
        let journey = match scripted {
            Some(journey) => journey,
            None => Journey::through(state.injector.on_order()),
        };
        state.awaited.retain(|slot| slot.strong_count() > 0);
        state.awaited.push(Arc::downgrade(&slot));
        state.flights.push(Flight {
            stage: Stage::Door,
            at_ms: now + millis(journey.to_door),
            account: account.clone(),
            key,
            order: order.clone(),
            timestamp,
            journey,
            slot: slot.clone(),
        });
        drop(state);
        self.arrive(now);
        slot
    }

    /// Lets everything take effect that is due.
    pub(crate) fn arrive(&self, now_ms: i64) {
        let effect = self.gate.effects();
        let mut state = self.state();
        while let Some(at) = next_due(&state.flights, now_ms) {
            let flight = state.flights.remove(at);
            if let Some(flight) = state.advance(flight, effect) {
                state.flights.push(flight);
            }
        }
    }

    /// When the next request does something by itself.
    pub(crate) fn next_arrival(&self) -> Option<i64> {
        self.state().flights.iter().map(|flight| flight.at_ms).min()
    }
}

fn next_due(flights: &[Flight], now_ms: i64) -> Option<usize> {
    let due = flights.iter().enumerate();
    due.filter(|(_, flight)| flight.at_ms <= now_ms)
        .min_by_key(|(_, flight)| flight.at_ms)
        .map(|(at, _)| at)
}

impl State {
    /// One stage of one request; the request again, unless it has come to its end.
    fn advance(&mut self, mut flight: Flight, effect: u64) -> Option<Flight> {
        let server = flight.at_ms + self.offset_ms;
        let timestamp = flight.timestamp.as_millis();
        let too_old = server - timestamp > millis(RECV_WINDOW);
        let too_early = timestamp >= server + millis(CLOCK_LEAD);
        match flight.stage {
            Stage::Door => {
                let honoured = self.keys.get(flight.account.as_str());
                let honoured = honoured.copied().unwrap_or_default().honoured;
                let refused = match flight.journey.fate.clone() {
                    Fate::Nowhere => {
                        flight.answer(server, None);
                        return None;
                    }
                    Fate::Refused(reject) => Some(reject),
                    Fate::Engine if flight.key != honoured => Some(Reject::key_permission()),
                    Fate::Engine if too_old => Some(Reject::outside_window()),
                    Fate::Engine if too_early => Some(Reject::ahead_of_server()),
                    Fate::Engine => None,
                };
                if let Some(reject) = refused {
                    flight.answer(server, Some(Written::refused(&reject)));
                    return None;
                }
                flight.stage = Stage::Engine;
                flight.at_ms += millis(flight.journey.to_engine);
                Some(flight)
            }
            Stage::Engine if too_old => {
                let reply = Written::refused(&Reject::outside_window());
                flight.answer(server, Some(reply));
                None
            }
            Stage::Engine => {
                flight.stage = Stage::Effect;
                flight.at_ms += millis(flight.journey.inside);
                Some(flight)
            }
            Stage::Effect => {
                let reply = self.take_effect((server, effect), &flight);
                flight.answer(server, Some(reply));
                None
            }
        }
    }

    fn take_effect(&mut self, (server_ms, effect): (i64, u64), flight: &Flight) -> Written {
        let account = flight.account.as_str();
        let order: model::NewOrder = new_order(&flight.order);
        match self.model.place(server_ms, account, order) {
            Ok(report) => {
                let id = flight.order.client_order_id.clone();
                self.accepted.push((effect, id));
                Written::placed(&report)
            }
            Err(reject) => Written::refused(&reject),
        }
    }
}

impl Flight {
    /// Sends the reply back; `None` is a connection that broke.
    fn answer(&self, server_ms: i64, truly: Option<Written>) {
        let broken = PlaceOutcome::Unknown(UnknownCause::Connection);
        let reply = match (self.journey.answered.clone(), truly) {
            (Answered::Never, _) => return,
            (Answered::Unclear(cause), _) => Err(PlaceOutcome::Unknown(cause)),
            (Answered::Instead(words), _) => Ok(Written::refused(&words)),
            (Answered::Page, _) => Ok(Written::bad_gateway()),
            (Answered::Truncated, Some(reply)) => Ok(reply.truncated()),
            (Answered::Truly, Some(reply)) => Ok(reply),
            (Answered::Truly | Answered::Truncated, None) => Err(broken),
        };
        let now = ExchangeTime::from_millis(server_ms);
        let outcome = match reply {
            Ok(reply) => reply.read(now, (&self.order, &self.account)),
            Err(outcome) => outcome,
        };
        let at = self.at_ms + millis(self.journey.back);
        *self.slot.lock().unwrap() = Some((at, outcome));
    }
}
