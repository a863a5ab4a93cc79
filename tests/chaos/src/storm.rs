//! The time in which everything goes wrong at once.
//!
//! Start at [`rage`].

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cuts::cut;
use crate::founder::found;
use crate::keeper::Keeper;
use crate::operators::operate;
use crate::stage::Stage;
use crate::tally::Tally;
use crate::weather::trouble;

/// What is known beforehand of a storm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How long it lasts at least.
    pub(crate) length: Duration,
    /// How often `up` is killed at least.
    pub(crate) kills: u64,
}

/// Lets everything go wrong until time is up and the market stands still. `up` is down then.
pub(crate) async fn rage(
    stage: &Stage,
    bots: &[String],
    tally: &Tally,
    plan: Plan,
    random: &mut impl FnMut() -> ChaCha8Rng,
) -> anyhow::Result<()> {
    stage.exchange.post("start", &json!({})).await?;
    let keeper = Keeper {
        stage,
        tally,
        random: random(),
        kills: plan.kills,
    };
    let end = Instant::now() + plan.length;
    let (first, second, third) = (random(), random(), random());
    tokio::select! {
        kept = keeper.keep(end) => kept?,
        () = cut(&stage.network, tally, random()) => {}
        troubled = trouble(&stage.exchange, tally, random()) => troubled?,
        operated = operate(stage, bots, tally, first) => operated?,
        operated = operate(stage, bots, tally, second) => operated?,
        founded = found(stage, tally, third) => founded?,
    }
    let prints = stage.prints;
    let over = |stats: &Value| stats["prints"].as_u64() >= Some(prints);
    stage
        .exchange
        .until("end of the market's moves", plan.length, over)
        .await
        .map(drop)
}
