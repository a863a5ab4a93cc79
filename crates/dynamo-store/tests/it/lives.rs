//! The store that ships does what the store of the simulation does: whole lives, call by call.
//!
//! The outcome of every conditional write and the content of every read that the use cases met in a
//! life must come out the same on the real one, in the same order.

use std::fmt::Debug;

use dynamo_store::{DynamoStore, EmbeddedDynamo};
use simulation::Operation;
use simulation::sweep::operations_of;
use trading::{AccountStore, BotStore, LevelStore};

/// How much of a refusal's or a quarantine's words is compared; the store keeps at least that.
const KEPT: usize = 40;

/// How many lives are gone through again.
const SEEDS: u64 = 100;

#[tokio::test]
async fn every_call_of_a_life_has_the_same_outcome_on_the_store_that_ships() {
    let (mut calls, mut refused) = (0_u64, 0_u64);
    for seed in 0..SEEDS {
        let database = EmbeddedDynamo::memory().unwrap();
        let store = database.store("gridkeeper");
        store.create_table().await.unwrap();
        for operation in operations_of(seed) {
            calls += 1;
            refused += u64::from(repeat(&store, seed, operation).await);
        }
    }
    assert!(calls > 100 * SEEDS, "only {calls} calls");
    assert!(refused > SEEDS, "only {refused} refused writes");
}

fn same(seed: u64, here: &impl Debug, there: &impl Debug) {
    assert_eq!(shown(here), shown(there), "seed {seed}");
}

/// A value without the ends of long words: the store keeps their beginnings only.
fn shown(value: &impl Debug) -> String {
    let mut shown = String::new();
    let mut text = format!("{value:?}");
    for name in ["detail: \"", "evidence: \""] {
        shown.clear();
        let mut parts = text.split(name);
        shown.extend(parts.next());
        for part in parts {
            let words = part.find('"').unwrap_or(part.len());
            shown.push_str(name);
            shown.extend(part[..words].chars().take(KEPT));
            shown.push_str(&part[words..]);
        }
        text.clone_from(&shown);
    }
    shown
}

/// Makes one call again; whether its condition was refused.
async fn repeat(store: &DynamoStore, seed: u64, operation: Operation) -> bool {
    match operation {
        Operation::CreateAccount(account) => store.create_account(&account).await.unwrap(),
        Operation::CreateBot(bot, levels) => store.create_bot(&bot, &levels).await.unwrap(),
        Operation::Load((account, bot, level), loaded) => {
            let mut there = store.load(&account, &bot, level).await.unwrap();
            // Each keeps count of an account's changes in its own way; nobody reads it.
            let count = loaded.account.as_ref().map(|account| account.version);
            if let (Some(account), Some(count)) = (&mut there.account, count) {
                account.version = count;
            }
            same(seed, &loaded, &there);
        }
        Operation::Commit(commit, outcome) => {
            let there = store.commit_fill(&commit).await.unwrap();
            same(seed, &outcome, &there);
            return outcome != trading::CommitOutcome::Committed;
        }
        Operation::ClaimIntent(version, level, claim) => {
            same(
                seed,
                &claim,
                &store.claim_intent(version, &level).await.unwrap(),
            );
            return claim == trading::Claim::Lost;
        }
        Operation::Settle((bot, level, no, now), settlement, outcome) => {
            let settled = store.settle_intent(&bot, level, no, &settlement, now).await;
            same(seed, &outcome, &settled.unwrap());
            return outcome == trading::SettleOutcome::MovedOn;
        }
        Operation::Levels(bot, levels) => same(seed, &levels, &store.levels(&bot).await.unwrap()),
        Operation::FillsOfOrder((bot, level, no), fills) => {
            let there = store.fills_of_order(&bot, level, no).await.unwrap();
            same(seed, &fills, &there);
        }
        Operation::AddEvent(event) => store.add_event(&event).await.unwrap(),
        Operation::UpdateBot(version, bot, claim) => {
            same(
                seed,
                &claim,
                &store.update_bot(version, &bot).await.unwrap(),
            );
            return claim == trading::Claim::Lost;
        }
        Operation::SetStream(account, state) => store.set_stream(&account, &state).await.unwrap(),
        Operation::WantStream(account, since) => {
            store.want_stream(&account, since).await.unwrap();
        }
        Operation::SetBreaker(account, breaker) => {
            store.set_breaker(&account, &breaker).await.unwrap();
        }
    }
    false
}
