//! Saying which completed orders nothing follows for now, so that prices in step do not wait in vain.
//!
//! Start at [`excuse`]. The demo owns both sides: what the store says of a level, the exchange may
//! know. It decides nothing about orders, and without it a run is slower, not different.

use domain::{Bot, BotId, ClientOrderId, Level};
use exchange_simulator::{Control, RunningSimulator, Speed};
use tokio::sync::broadcast::error::RecvError;
use trading::{BotStore as _, LevelStore as _};

use super::DemoArgs;
use super::report::reason;
use super::stage::Stage;
use crate::home::Home;
use crate::node::{Happening, Node};

/// Excuses levels while a run lasts; never ends by itself.
pub(crate) async fn excuse(args: &DemoArgs, stage: &Stage, home: &Home, node: &Node) {
    if args.speed != Some(Speed::Max) {
        return std::future::pending().await;
    }
    let mut flow = node.flow().listen();
    loop {
        match flow.recv().await {
            Ok(happening) if sent_nothing(&happening) => {
                look(&stage.simulator, home, &happening.order).await
            }
            // What was overheard costs a wait and nothing else.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// Whether an order that may have been completed was followed by none.
fn sent_nothing(happening: &Happening) -> bool {
    !matches!(happening.placing, Some("accepted" | "unknown" | "leased"))
}

/// Excuses the level of an order if the store says why it sends nothing.
async fn look(simulator: &RunningSimulator, home: &Home, order: &ClientOrderId) {
    let Some(level) = level_of(home, order).await else {
        return;
    };
    if reason(&level).is_none() {
        return;
    }
    let slot = slot_of(&level.bot, &level);
    tracing::debug!(%slot, "prices do not wait for this level");
    if let Err(error) = simulator.control(Control::Excuse { slot }) {
        tracing::warn!(%error, "level not excused");
    }
}

async fn level_of(home: &Home, order: &ClientOrderId) -> Option<Level> {
    let bot: Bot = home.store().bot(&order.bot).await.ok()??;
    let loaded = home.store().load(&bot.account, &bot.id, order.level).await;
    loaded.ok()?.level
}

/// What the exchange calls a level: the part that the ids of its orders share.
pub(crate) fn slot_of(bot: &BotId, level: &Level) -> String {
    format!("{}{bot}-{}", ClientOrderId::PREFIX, level.index)
}

#[cfg(test)]
mod tests {
    use domain::{HoldReason, OrderState, RefusalReason, Rung, Side};
    use exchange_simulator::model::{NewOrder, Side as Direction};
    use exchange_simulator::{Simulator, SimulatorConfig};
    use secrecy::SecretString;
    use trading::{AccountRecord, AccountStore as _, Breaker, Environment, Placing, StreamState};

    use super::*;
    use crate::environs::Environs;
    use crate::keys::Purpose;

    use crate::words::tests::{NOW, bot, order};

    async fn home_with(dir: &std::path::Path, level: &Level) -> Home {
        let home = Home::own(dir, &Environs::default()).await.unwrap();
        let bot = Bot { levels: 1, ..bot() };
        let secret = SecretString::from("secret".to_owned());
        let sealed = home
            .vault()
            .seal(&bot.account, Purpose::Stream, ("key", "hmac"), &secret)
            .await;
        let account = AccountRecord {
            id: bot.account.clone(),
            environment: Environment::Simulated,
            stream_key: sealed.unwrap(),
            breaker: Breaker::Closed,
            stream: StreamState::Never,
            stream_wanted_since: None,
            created_at: NOW,
            version: 0,
        };
        home.store().create_account(&account).await.unwrap();
        let levels = [level.clone()];
        home.store().create_bot(&bot, &levels).await.unwrap();
        home
    }

    /// A simulated exchange where the first order of the level has completed.
    async fn completed(id: &str) -> RunningSimulator {
        let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let (price, quantity) = (70_000.into(), "0.001".parse().unwrap());
        let taken = NewOrder::limit("BTCUSDT", Direction::Buy, price, quantity, id);
        simulator
            .with_exchange(|exchange, now_ms| exchange.place(now_ms, "demo", taken))
            .unwrap();
        assert_eq!(simulator.stats().owing, ["gk-wordsbot-0"]);
        simulator
    }

    #[tokio::test]
    async fn a_level_is_excused_while_the_store_says_why_it_sends_nothing() {
        let bot = bot();
        let rung = Rung {
            buy_price: "1".parse().unwrap(),
            sell_price: "2".parse().unwrap(),
            quantity: "1".parse().unwrap(),
        };
        let level = |state: OrderState| {
            let mut level = Level::new(bot.id.clone(), domain::LevelIndex(0), &rung, NOW);
            level.order = Some(order(state));
            level
        };
        let refused = OrderState::Refused {
            why: RefusalReason::RateLimited,
            detail: "a pause".to_owned(),
            retry_at: NOW,
            lease: None,
        };
        let held = OrderState::Held {
            why: HoldReason::Paused,
            lease: None,
        };
        for (state, excused) in [(OrderState::Open, false), (refused, true), (held, true)] {
            let dir = tempfile::tempdir().unwrap();
            let home = home_with(dir.path(), &level(state.clone())).await;
            let id = "gk-wordsbot-0-1";
            let simulator = completed(id).await;
            look(&simulator, &home, &id.parse().unwrap()).await;
            assert_eq!(simulator.stats().owing.is_empty(), excused, "{state:?}");
            simulator.shutdown().await;
        }
    }

    #[test]
    fn only_an_order_on_its_way_is_waited_for() {
        let happening = |placing: Option<Placing>| Happening {
            at: NOW,
            order: "gk-wordsbot-0-1".parse().unwrap(),
            side: Side::Buy,
            price: None,
            executed: domain::Quantity::ZERO,
            outcome: "booked",
            placing: placing.map(trading::Placing::word),
            took_ms: 1,
        };
        for (placing, nothing) in [
            (None, true),
            (Some(Placing::Held), true),
            (Some(Placing::Refused(RefusalReason::Filter)), true),
            (Some(Placing::AccountStopped), true),
            (Some(Placing::Accepted), false),
            (
                Some(Placing::Unknown(trading::UnknownCause::Timeout)),
                false,
            ),
        ] {
            assert_eq!(sent_nothing(&happening(placing)), nothing, "{placing:?}");
        }
    }
}
