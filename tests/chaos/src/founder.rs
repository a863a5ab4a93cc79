//! Who creates further bots while it goes on, lets them trade for a while, and stops them for good.
//!
//! Start at [`found`].

use std::time::Duration;

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tokio::time::sleep;

use crate::bots::FURTHER;
use crate::operators::type_in;
use crate::stage::Stage;
use crate::tally::Tally;

/// How many bots are created at most: each is one more to be followed and audited.
const MOST: usize = 6;

/// How long one trades at least and at most, ms.
const LIFE_MS: (u64, u64) = (2_000, 8_000);

/// Creates and stops bots until it is dropped, or until a command does what none may. It never ends by itself.
pub(crate) async fn found(
    stage: &Stage,
    tally: &Tally,
    mut random: ChaCha8Rng,
) -> anyhow::Result<()> {
    let mut bots: Vec<String> = Vec::new();
    let create = FURTHER.arguments();
    let create = [create.as_slice(), &["--start", "--json"]].concat();
    loop {
        if bots.len() < MOST {
            let created = type_in(stage, tally, "create", &create).await?;
            let answer: Value = serde_json::from_str(&created.text).unwrap_or_default();
            if let Some(bot) = answer["bot"].as_str() {
                tally.count("bots created");
                bots.push(bot.to_owned());
            }
        }
        let life = random.random_range(LIFE_MS.0..LIFE_MS.1);
        sleep(Duration::from_millis(life)).await;
        let Some(bot) = bots.last() else { continue };
        let stop = ["bot", "stop", bot];
        let stopped = if random.random_bool(0.5) {
            type_in(
                stage,
                tally,
                "stop and sell",
                &[&stop[..], &["--sell"]].concat(),
            )
            .await?
        } else {
            type_in(stage, tally, "stop", &stop).await?
        };
        if stopped.code == Some(0) {
            tally.count("bots stopped");
        }
    }
}
