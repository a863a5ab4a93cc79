//! What every store of the ports must do, whatever it is made of.
//!
//! Each function takes an empty store. [`tests!`] makes one test of each of them.

use domain::{
    DesiredStatus, ExchangeOrderId, HoldReason, Level, LevelIndex, ObservedStatus, OrderNumber,
    OrderState, QuarantineReason, RefusalReason, TradeId,
};
use trading::{
    AccountStop, AccountStore, BotStore, Breaker, Claim, CommitOutcome, FillCommit, Heartbeat,
    LevelStore, MAX_LEVELS, SettleOutcome, Settlement, StoreError, StreamState, TradeKeyStore,
};

use crate::fixture::{
    account, account_id, at, bot, bot_id, create, event, fill, key, lease, levels, next, pending,
    quote,
};

/// A store of all ports.
pub(crate) trait Store: LevelStore + BotStore + AccountStore + TradeKeyStore {}
impl<T: LevelStore + BotStore + AccountStore + TradeKeyStore> Store for T {}

macro_rules! tests {
    ($name:ident, $open:expr) => {
        mod $name {
            crate::contract::tests!(@each $open;
                creation_shows_everything_at_once
                a_bot_is_created_once
                a_bot_needs_its_account_and_its_own_levels
                large_grids_are_listed_in_order
                a_commit_writes_level_and_fills
                a_commit_needs_the_version_it_read
                a_fill_counts_once
                a_commit_takes_ninety_fills_and_no_more
                a_commit_moves_on_by_one_version
                fills_are_listed_by_number
                a_claim_needs_the_version_it_read
                accepted_settles_whatever_the_attempt
                accepted_changes_no_other_state
                other_settlements_need_their_attempt
                other_settlements_need_a_pending_order
                a_settlement_needs_the_current_number
                settlements_write_what_they_say
                settling_raises_the_version
                events_keep_their_order_within_a_millisecond
                bots_are_listed_and_updated_by_version
                only_stopped_bots_are_removed
                due_bots_come_longest_due_first
                a_due_bot_is_claimed_once
                a_bot_is_made_due_earlier_and_never_later
                accounts_are_created_once_and_listed
                each_account_change_touches_its_own_part
                an_account_with_bots_stays
                trade_keys_are_kept_apart
                heartbeats_are_replaced
                what_is_not_there_is_none_or_refused
            );
        }
    };
    (@each $open:expr; $($test:ident)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let opened = $open.await;
                crate::contract::$test(&opened.store).await;
            }
        )*
    };
}
pub(crate) use tests;

fn commit(level: &Level, after: Level, fills: &[i64]) -> FillCommit {
    let no = level.order.as_ref().map_or(1, |order| order.no.0);
    FillCommit {
        expected_version: level.version,
        fills: fills.iter().map(|id| fill(&after, no, *id)).collect(),
        level: after,
    }
}

async fn read(store: &impl Store, index: u16) -> Level {
    let loaded = store
        .load(&account_id(), &bot_id(), LevelIndex(index))
        .await
        .unwrap();
    loaded.level.unwrap()
}

/// Creates a bot of one level that owes order `no` in a state.
async fn owing(store: &impl Store, no: u32, state: OrderState) -> Level {
    let (_, levels) = create(store, 1).await;
    let level = next(&levels[0], no, state);
    let claim = store.claim_intent(0, &level).await.unwrap();
    assert_eq!(claim, Claim::Won);
    level
}

async fn settle(store: &impl Store, no: u32, settlement: &Settlement) -> SettleOutcome {
    store
        .settle_intent(
            &bot_id(),
            LevelIndex(0),
            OrderNumber(no),
            settlement,
            at(900),
        )
        .await
        .unwrap()
}

fn accepted(id: i64) -> Settlement {
    Settlement::Accepted {
        exchange_order_id: ExchangeOrderId(id),
    }
}

fn refused(attempt: u32) -> Settlement {
    Settlement::Refused {
        attempt,
        why: RefusalReason::InsufficientBalance,
        detail: "-2010 Account has insufficient balance for requested action.".to_owned(),
        retry_at: at(15_000),
    }
}

fn held(attempt: u32) -> Settlement {
    Settlement::Held {
        attempt,
        why: below_minimum(),
    }
}

fn renewed(attempt: u32) -> Settlement {
    Settlement::Renewed {
        attempt,
        lease: lease(attempt + 1, 700),
    }
}

fn quarantined(attempt: u32) -> Settlement {
    Settlement::Quarantined {
        attempt,
        why: QuarantineReason::ForeignOrder,
        evidence: "order 77 has another price".to_owned(),
    }
}

fn below_minimum() -> HoldReason {
    HoldReason::BelowMinimum {
        value: quote("4.2"),
        missing: quote("0.8"),
    }
}

/// All states an order can be in.
fn states() -> Vec<OrderState> {
    vec![
        pending(3),
        OrderState::Open,
        refused_state(),
        held_state(),
        OrderState::Quarantined {
            why: QuarantineReason::OrderVanished,
            evidence: "order 5 is unknown".to_owned(),
        },
        OrderState::Idle,
    ]
}

fn refused_state() -> OrderState {
    OrderState::Refused {
        why: RefusalReason::Overloaded,
        detail: "-1008 try again".to_owned(),
        retry_at: at(50),
        lease: Some(lease(3, 300)),
    }
}

fn held_state() -> OrderState {
    OrderState::Held {
        why: HoldReason::Paused,
        lease: Some(lease(3, 300)),
    }
}

pub(crate) async fn creation_shows_everything_at_once(store: &impl Store) {
    let (bot, levels) = create(store, 3).await;
    let loaded = store
        .load(&account_id(), &bot.id, LevelIndex(2))
        .await
        .unwrap();
    assert_eq!(loaded.bot.as_ref(), Some(&bot));
    assert_eq!(loaded.level.as_ref(), levels.last());
    assert_eq!(loaded.account, Some(account(&account_id())));
    assert_eq!(store.levels(&bot.id).await.unwrap(), levels);
    let listed = store.bots(None).await.unwrap();
    assert_eq!(store.bots(Some(&account_id())).await.unwrap(), listed);
    assert_eq!(listed, [bot]);
    let due = store.due_bots(at(0), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].due_at, at(0));
    assert_eq!(due[0].account, account_id());
}

pub(crate) async fn a_bot_is_created_once(store: &impl Store) {
    let (bot, levels) = create(store, 2).await;
    let running = next(&levels[0], 1, pending(1));
    store.claim_intent(0, &running).await.unwrap();
    let again = store.create_bot(&bot, &levels).await;
    assert!(matches!(again, Err(StoreError::Invalid(_))), "{again:?}");
    assert_eq!(read(store, 0).await, running);
}

pub(crate) async fn a_bot_needs_its_account_and_its_own_levels(store: &impl Store) {
    let bot = bot(&bot_id(), 2);
    let refused = |outcome: Result<(), StoreError>| match outcome {
        Err(StoreError::Invalid(_)) => {}
        other => panic!("{other:?}"),
    };
    // Under an id of its own: one that was begun is refused for that alone from then on.
    let lonely = self::bot(&"lonely1".parse().unwrap(), 2);
    refused(store.create_bot(&lonely, &levels(&lonely.id, 2)).await);
    store.create_account(&account(&account_id())).await.unwrap();
    refused(store.create_bot(&bot, &levels(&bot.id, 3)).await);
    for count in [0, MAX_LEVELS + 1] {
        let count = u16::try_from(count).unwrap();
        let other = self::bot(&bot_id(), count);
        refused(store.create_bot(&other, &levels(&bot.id, count)).await);
    }
    let mut gap = levels(&bot.id, 2);
    gap[1].index = LevelIndex(2);
    refused(store.create_bot(&bot, &gap).await);
    let foreign = levels(&"other1".parse().unwrap(), 2);
    refused(store.create_bot(&bot, &foreign).await);
    assert_eq!(store.bot(&bot.id).await.unwrap(), None);
    assert_eq!(store.levels(&bot.id).await.unwrap(), []);
    assert_eq!(read_level(store, 0).await, None);
    assert_eq!(store.due_bots(at(0), 10).await.unwrap(), []);
}

async fn read_level(store: &impl Store, index: u16) -> Option<Level> {
    let index = LevelIndex(index);
    let loaded = store.load(&account_id(), &bot_id(), index).await.unwrap();
    loaded.level
}

/// 5,000 levels with orders take more than the 1 MB that one page of a query holds.
pub(crate) async fn large_grids_are_listed_in_order(store: &impl Store) {
    store.create_account(&account(&account_id())).await.unwrap();
    let bot = bot(&bot_id(), 5_000);
    let levels: Vec<Level> = levels(&bot.id, 5_000)
        .iter()
        .map(|level| next(level, 1, refused_state()))
        .collect();
    store.create_bot(&bot, &levels).await.unwrap();
    assert_eq!(store.levels(&bot.id).await.unwrap(), levels);
}

pub(crate) async fn a_commit_writes_level_and_fills(store: &impl Store) {
    let level = owing(store, 1, OrderState::Open).await;
    let after = next(&level, 2, pending(1));
    let commit = commit(&level, after.clone(), &[7, 8]);
    let outcome = store.commit_fill(&commit).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
    assert_eq!(read(store, 0).await, after);
    assert_eq!(store.fills(&bot_id(), None).await.unwrap(), commit.fills);
}

pub(crate) async fn a_commit_needs_the_version_it_read(store: &impl Store) {
    let level = owing(store, 1, OrderState::Open).await;
    let moved = next(&level, 1, OrderState::Idle);
    store.claim_intent(level.version, &moved).await.unwrap();
    let stale = commit(&level, next(&level, 2, pending(1)), &[7]);
    let outcome = store.commit_fill(&stale).await.unwrap();
    assert_eq!(outcome, CommitOutcome::LevelChanged);
    assert_eq!(read(store, 0).await, moved);
    assert_eq!(store.fills(&bot_id(), None).await.unwrap(), []);
}

pub(crate) async fn a_fill_counts_once(store: &impl Store) {
    let level = owing(store, 1, OrderState::Open).await;
    let after = next(&level, 1, OrderState::Open);
    let first = commit(&level, after.clone(), &[7, 9]);
    store.commit_fill(&first).await.unwrap();
    let mut again = commit(&after, next(&after, 2, pending(1)), &[8, 9, 7]);
    again.fills[1].source = domain::Source::Recovery;
    let outcome = store.commit_fill(&again).await.unwrap();
    let known = CommitOutcome::AlreadyRecorded(vec![TradeId(9), TradeId(7)]);
    assert_eq!(outcome, known);
    assert_eq!(read(store, 0).await, after);
    assert_eq!(store.fills(&bot_id(), None).await.unwrap(), first.fills);
}

pub(crate) async fn a_commit_takes_ninety_fills_and_no_more(store: &impl Store) {
    let level = owing(store, 1, OrderState::Open).await;
    let after = next(&level, 2, pending(1));
    let all: Vec<i64> = (1..=90).collect();
    let most = commit(&level, after.clone(), &all);
    let outcome = store.commit_fill(&most).await.unwrap();
    assert_eq!(outcome, CommitOutcome::Committed);
    assert_eq!(store.fills(&bot_id(), None).await.unwrap().len(), 90);
    let more: Vec<i64> = (101..=191).collect();
    let too_many = commit(&after, next(&after, 2, pending(1)), &more);
    let outcome = store.commit_fill(&too_many).await;
    assert!(matches!(outcome, Err(StoreError::Invalid(_))));
}

pub(crate) async fn a_commit_moves_on_by_one_version(store: &impl Store) {
    let level = owing(store, 1, OrderState::Open).await;
    let mut jump = next(&level, 2, pending(1));
    jump.version += 1;
    let outcome = store.commit_fill(&commit(&level, jump.clone(), &[1])).await;
    assert!(matches!(outcome, Err(StoreError::Invalid(_))));
    let outcome = store.claim_intent(level.version, &jump).await;
    assert!(matches!(outcome, Err(StoreError::Invalid(_))));
    let mut foreign = commit(&level, next(&level, 2, pending(1)), &[1]);
    foreign.fills[0].level = LevelIndex(1);
    let outcome = store.commit_fill(&foreign).await;
    assert!(matches!(outcome, Err(StoreError::Invalid(_))));
    assert_eq!(read(store, 0).await, level);
}

pub(crate) async fn fills_are_listed_by_number(store: &impl Store) {
    let mut level = owing(store, 9, OrderState::Open).await;
    for (no, trades) in [(9, [20, 3]), (10, [5, 100]), (11, [4, 1_000])] {
        let after = next(&level, no + 1, OrderState::Open);
        let commit = commit(&level, after.clone(), &trades);
        store.commit_fill(&commit).await.unwrap();
        level = after;
    }
    let ids = |fills: Vec<trading::FillRecord>| -> Vec<(u32, i64)> {
        fills
            .iter()
            .map(|fill| (fill.no.0, fill.trade.id.0))
            .collect()
    };
    let all = [(9, 3), (9, 20), (10, 5), (10, 100), (11, 4), (11, 1_000)];
    assert_eq!(ids(store.fills(&bot_id(), None).await.unwrap()), all);
    let of_level = store.fills(&bot_id(), Some(LevelIndex(0))).await.unwrap();
    assert_eq!(ids(of_level), all);
    let other = store.fills(&bot_id(), Some(LevelIndex(1))).await.unwrap();
    assert_eq!(ids(other), []);
    let of_order = store
        .fills_of_order(&bot_id(), LevelIndex(0), OrderNumber(10))
        .await;
    assert_eq!(ids(of_order.unwrap()), [(10, 5), (10, 100)]);
}

pub(crate) async fn a_claim_needs_the_version_it_read(store: &impl Store) {
    let level = owing(store, 1, pending(1)).await;
    let first = next(&level, 1, pending(2));
    let second = next(&level, 1, pending(3));
    let won = store.claim_intent(level.version, &first).await.unwrap();
    assert_eq!(won, Claim::Won);
    let lost = store.claim_intent(level.version, &second).await.unwrap();
    assert_eq!(lost, Claim::Lost);
    assert_eq!(read(store, 0).await, first);
}

pub(crate) async fn accepted_settles_whatever_the_attempt(store: &impl Store) {
    let mut level = owing(store, 1, pending(3)).await;
    for state in [pending(7), refused_state(), held_state()] {
        let owed = next(&level, 1, state.clone());
        store.claim_intent(level.version, &owed).await.unwrap();
        let outcome = settle(store, 1, &accepted(42)).await;
        assert_eq!(outcome, SettleOutcome::Settled, "{state:?}");
        level = read(store, 0).await;
        let order = level.order.as_ref().unwrap();
        assert_eq!(order.state, OrderState::Open, "{state:?}");
        assert_eq!(order.exchange_order_id, Some(ExchangeOrderId(42)));
    }
}

pub(crate) async fn accepted_changes_no_other_state(store: &impl Store) {
    let mut level = owing(store, 1, pending(1)).await;
    for state in states().into_iter().filter(|state| {
        matches!(
            state,
            OrderState::Open | OrderState::Quarantined { .. } | OrderState::Idle
        )
    }) {
        let owed = next(&level, 1, state.clone());
        store.claim_intent(level.version, &owed).await.unwrap();
        let outcome = settle(store, 1, &accepted(42)).await;
        assert_eq!(outcome, SettleOutcome::MovedOn, "{state:?}");
        assert_eq!(read(store, 0).await, owed);
        level = owed;
    }
}

type SettlementOf = fn(u32) -> Settlement;
const OF_ATTEMPT: [SettlementOf; 4] = [refused, held, renewed, quarantined];

pub(crate) async fn other_settlements_need_their_attempt(store: &impl Store) {
    let level = owing(store, 1, pending(3)).await;
    for of in OF_ATTEMPT {
        for attempt in [2, 4] {
            let settlement = of(attempt);
            let outcome = settle(store, 1, &settlement).await;
            assert_eq!(outcome, SettleOutcome::MovedOn, "{settlement:?}");
            assert_eq!(read(store, 0).await, level);
        }
    }
}

pub(crate) async fn other_settlements_need_a_pending_order(store: &impl Store) {
    let mut level = owing(store, 1, pending(3)).await;
    for state in states().into_iter().skip(1) {
        let owed = next(&level, 1, state.clone());
        store.claim_intent(level.version, &owed).await.unwrap();
        for of in OF_ATTEMPT {
            let settlement = of(3);
            let outcome = settle(store, 1, &settlement).await;
            assert_eq!(outcome, SettleOutcome::MovedOn, "{settlement:?} {state:?}");
            assert_eq!(read(store, 0).await, owed);
        }
        level = owed;
    }
}

pub(crate) async fn a_settlement_needs_the_current_number(store: &impl Store) {
    let level = owing(store, 5, pending(3)).await;
    for no in [4, 6] {
        let all = OF_ATTEMPT.iter().map(|of| of(3));
        for settlement in all.chain([accepted(42)]) {
            let outcome = settle(store, no, &settlement).await;
            assert_eq!(outcome, SettleOutcome::MovedOn, "{settlement:?}");
        }
    }
    assert_eq!(read(store, 0).await, level);
}

pub(crate) async fn settlements_write_what_they_say(store: &impl Store) {
    let mut level = owing(store, 1, pending(3)).await;
    let lease_before = level.order.as_ref().unwrap().last_lease().copied();
    let states = [
        OrderState::Refused {
            why: RefusalReason::InsufficientBalance,
            detail: "-2010 Account has insufficient balance for requested action.".to_owned(),
            retry_at: at(15_000),
            lease: lease_before,
        },
        OrderState::Held {
            why: below_minimum(),
            lease: lease_before,
        },
        OrderState::Pending {
            lease: lease(4, 700),
        },
        OrderState::Quarantined {
            why: QuarantineReason::ForeignOrder,
            evidence: "order 77 has another price".to_owned(),
        },
    ];
    for (of, state) in OF_ATTEMPT.into_iter().zip(states) {
        let mut expected = next(&level, 1, pending(3));
        store.claim_intent(level.version, &expected).await.unwrap();
        assert_eq!(settle(store, 1, &of(3)).await, SettleOutcome::Settled);
        expected.version += 1;
        expected.changed_at = at(900);
        expected.order.as_mut().unwrap().enter(state);
        level = read(store, 0).await;
        assert_eq!(level, expected);
    }
}

pub(crate) async fn settling_raises_the_version(store: &impl Store) {
    let level = owing(store, 1, pending(1)).await;
    assert_eq!(
        settle(store, 1, &accepted(42)).await,
        SettleOutcome::Settled
    );
    let stale = store
        .claim_intent(level.version, &next(&level, 1, pending(2)))
        .await
        .unwrap();
    assert_eq!(stale, Claim::Lost);
    let settled = read(store, 0).await;
    assert_eq!(settled.version, level.version + 1);
    assert_eq!(settled.changed_at, at(900));
}

pub(crate) async fn events_keep_their_order_within_a_millisecond(store: &impl Store) {
    create(store, 12).await;
    let mut told = Vec::new();
    for count in 0..6_u16 {
        let level = if count == 3 {
            None
        } else {
            Some(count % 2 * 10)
        };
        told.push(event(level, i64::from(count) / 3, &format!("{count}")));
    }
    for event in &told {
        store.add_event(event).await.unwrap();
    }
    store
        .add_event(&event(Some(1), -5, "earlier"))
        .await
        .unwrap();
    let all = store.events(&bot_id(), None).await.unwrap();
    assert_eq!(all[0].text, "earlier");
    assert_eq!(all[1..], told);
    let of_level = store.events(&bot_id(), Some(LevelIndex(10))).await.unwrap();
    let texts: Vec<&str> = of_level.iter().map(|event| event.text.as_str()).collect();
    assert_eq!(texts, ["1", "5"]);
    assert_eq!(
        store.events(&bot_id(), Some(LevelIndex(2))).await.unwrap(),
        []
    );
}

pub(crate) async fn bots_are_listed_and_updated_by_version(store: &impl Store) {
    let (first, _) = create(store, 1).await;
    let other = bot(&"a1b2c3".parse().unwrap(), 2);
    store
        .create_bot(&other, &levels(&other.id, 2))
        .await
        .unwrap();
    let listed = store.bots(None).await.unwrap();
    assert_eq!(listed, [other.clone(), first.clone()]);
    let ids = [other.id.clone(), first.id.clone()];
    assert_eq!(store.bot_ids(None).await.unwrap(), ids);
    assert_eq!(store.bot_ids(Some(&account_id())).await.unwrap(), ids);
    assert_eq!(
        store
            .bot_ids(Some(&"nobody".parse().unwrap()))
            .await
            .unwrap(),
        []
    );
    let mut paused = first.clone();
    paused.version = 1;
    paused.desired = DesiredStatus::Paused;
    paused.recovered_at = Some(at(5));
    paused.sold_out = true;
    assert_eq!(store.update_bot(0, &paused).await.unwrap(), Claim::Won);
    let mut stale = paused.clone();
    stale.desired = DesiredStatus::Stopped;
    assert_eq!(store.update_bot(0, &stale).await.unwrap(), Claim::Lost);
    stale.version = 7;
    assert!(matches!(
        store.update_bot(1, &stale).await,
        Err(StoreError::Invalid(_))
    ));
    assert_eq!(store.bot(&first.id).await.unwrap(), Some(paused.clone()));
    assert_eq!(store.bot(&other.id).await.unwrap(), Some(other));
    (paused.version, paused.sold_out) = (2, false);
    assert_eq!(store.update_bot(1, &paused).await.unwrap(), Claim::Won);
    assert_eq!(store.bot(&first.id).await.unwrap(), Some(paused));
}

pub(crate) async fn only_stopped_bots_are_removed(store: &impl Store) {
    let (mut bot, levels) = create(store, 1).await;
    store.add_event(&event(Some(0), 0, "laid")).await.unwrap();
    let after = next(&levels[0], 1, OrderState::Idle);
    store
        .commit_fill(&commit(&levels[0], after, &[1]))
        .await
        .unwrap();
    assert!(matches!(
        store.remove_bot(&bot.id).await,
        Err(StoreError::Invalid(_))
    ));
    assert_eq!(store.bots(None).await.unwrap().len(), 1);
    // Stopped, and already wanted back: nobody would bring a removed bot to that.
    bot.observed = ObservedStatus::Stopped;
    for desired in [
        DesiredStatus::Ready,
        DesiredStatus::Paused,
        DesiredStatus::Running,
    ] {
        bot.version += 1;
        bot.desired = desired;
        store.update_bot(bot.version - 1, &bot).await.unwrap();
        let removed = store.remove_bot(&bot.id).await;
        assert!(
            matches!(removed, Err(StoreError::Invalid(_))),
            "{desired}: {removed:?}"
        );
        assert_eq!(store.bots(None).await.unwrap().len(), 1);
    }
    bot.version += 1;
    bot.desired = DesiredStatus::Stopped;
    store.update_bot(bot.version - 1, &bot).await.unwrap();
    store.make_due(&bot.id, at(-10)).await.unwrap();
    store.remove_bot(&bot.id).await.unwrap();
    store.remove_bot(&bot.id).await.unwrap();
    store.make_due(&bot.id, at(-20)).await.unwrap();
    assert_eq!(store.bots(None).await.unwrap(), []);
    assert_eq!(store.bots(Some(&account_id())).await.unwrap(), []);
    assert_eq!(store.due_bots(at(1_000), 10).await.unwrap(), []);
    assert_eq!(store.fills(&bot.id, None).await.unwrap().len(), 1);
    assert_eq!(store.events(&bot.id, None).await.unwrap().len(), 1);
    store.remove_account(&account_id()).await.unwrap();
}

pub(crate) async fn due_bots_come_longest_due_first(store: &impl Store) {
    store.create_account(&account(&account_id())).await.unwrap();
    let mut expected = Vec::new();
    for count in 0..12_i64 {
        let mut bot = bot(&format!("bot{count:03}").parse().unwrap(), 1);
        bot.created_at = at((count * 7) % 12 * 1_000);
        store.create_bot(&bot, &levels(&bot.id, 1)).await.unwrap();
        expected.push((bot.created_at, bot.id));
    }
    expected.sort();
    let due = |now: i64, limit| async move {
        let due = store.due_bots(at(now), limit).await.unwrap();
        due.into_iter()
            .map(|due| (due.due_at, due.bot))
            .collect::<Vec<_>>()
    };
    assert_eq!(due(11_000, 100).await, expected);
    assert_eq!(due(5_000, 100).await, expected[..6]);
    assert_eq!(due(4_999, 100).await, expected[..5]);
    assert_eq!(due(11_000, 4).await, expected[..4]);
    assert_eq!(due(-1, 100).await, []);
}

pub(crate) async fn a_due_bot_is_claimed_once(store: &impl Store) {
    create(store, 1).await;
    let due = store.due_bots(at(0), 10).await.unwrap().remove(0);
    assert_eq!(store.claim_due(&due, at(10_000)).await.unwrap(), Claim::Won);
    assert_eq!(
        store.claim_due(&due, at(10_000)).await.unwrap(),
        Claim::Lost
    );
    assert_eq!(
        store.claim_due(&due, at(20_000)).await.unwrap(),
        Claim::Lost
    );
    assert_eq!(store.due_bots(at(9_999), 10).await.unwrap(), []);
    let due = store.due_bots(at(10_000), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].due_at, at(10_000));
    // A claim that leaves the bot due at the same instant must not be won twice either.
    assert_eq!(
        store.claim_due(&due[0], at(10_000)).await.unwrap(),
        Claim::Won
    );
    assert_eq!(
        store.claim_due(&due[0], at(10_000)).await.unwrap(),
        Claim::Lost
    );
    assert_eq!(store.due_bots(at(30_000), 10).await.unwrap().len(), 1);
}

pub(crate) async fn a_bot_is_made_due_earlier_and_never_later(store: &impl Store) {
    let (bot, _) = create(store, 1).await;
    let seen = store.due_bots(at(0), 10).await.unwrap().remove(0);
    store.claim_due(&seen, at(10_000)).await.unwrap();
    store.make_due(&bot.id, at(20_000)).await.unwrap();
    assert_eq!(store.due_bots(at(10_000), 10).await.unwrap().len(), 1);
    let later = store.due_bots(at(10_000), 10).await.unwrap().remove(0);
    store.make_due(&bot.id, at(3_000)).await.unwrap();
    let due = store.due_bots(at(30_000), 10).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].due_at, at(3_000));
    // Whoever saw the entry before it moved has nothing to claim.
    assert_eq!(
        store.claim_due(&later, at(40_000)).await.unwrap(),
        Claim::Lost
    );
    assert_eq!(store.due_bots(at(30_000), 10).await.unwrap(), due);
}

pub(crate) async fn accounts_are_created_once_and_listed(store: &impl Store) {
    let first = account(&"main".parse().unwrap());
    let second = account(&"alt".parse().unwrap());
    store.create_account(&first).await.unwrap();
    store.create_account(&second).await.unwrap();
    let mut other = first.clone();
    other.stream_key = key("other");
    assert!(matches!(
        store.create_account(&other).await,
        Err(StoreError::Invalid(_))
    ));
    let listed = store.accounts().await.unwrap();
    assert_eq!(listed, [second.clone(), first.clone()]);
    assert_eq!(store.account(&first.id).await.unwrap(), Some(first.clone()));
    store.remove_account(&first.id).await.unwrap();
    assert_eq!(store.account(&first.id).await.unwrap(), None);
    assert_eq!(store.accounts().await.unwrap(), [second]);
    store.create_account(&first).await.unwrap();
}

pub(crate) async fn each_account_change_touches_its_own_part(store: &impl Store) {
    let mut expected = account(&account_id());
    let id = account_id();
    store.create_account(&expected).await.unwrap();
    let stopped = Breaker::Stopped {
        cause: AccountStop::Permission,
        detail: "-2015".to_owned(),
        since: at(3),
        until: None,
    };
    store.set_breaker(&id, &stopped).await.unwrap();
    expected.breaker = stopped;
    expected.version = 1;
    assert_eq!(store.account(&id).await.unwrap(), Some(expected.clone()));
    let down = StreamState::Down {
        since: at(4),
        why: "closed".to_owned(),
    };
    store.set_stream(&id, &down).await.unwrap();
    expected.stream = down;
    assert_eq!(store.account(&id).await.unwrap(), Some(expected.clone()));
    store.set_stream_key(&id, &key("new")).await.unwrap();
    expected.stream_key = key("new");
    expected.version = 2;
    assert_eq!(store.account(&id).await.unwrap(), Some(expected.clone()));
    store.want_stream(&id, Some(at(9))).await.unwrap();
    expected.stream_wanted_since = Some(at(9));
    assert_eq!(store.account(&id).await.unwrap(), Some(expected.clone()));
    store.want_stream(&id, None).await.unwrap();
    expected.stream_wanted_since = None;
    store.set_breaker(&id, &Breaker::Closed).await.unwrap();
    expected.breaker = Breaker::Closed;
    expected.version = 3;
    assert_eq!(store.account(&id).await.unwrap(), Some(expected));
}

pub(crate) async fn an_account_with_bots_stays(store: &impl Store) {
    let (bot, _) = create(store, 1).await;
    assert!(matches!(
        store.remove_account(&bot.account).await,
        Err(StoreError::Invalid(_))
    ));
    let kept = store.account(&bot.account).await.unwrap();
    assert_eq!(kept, Some(account(&bot.account)));
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

pub(crate) async fn trade_keys_are_kept_apart(store: &impl Store) {
    let id = account_id();
    assert_eq!(store.trade_key(&id).await.unwrap(), None);
    store.put_trade_key(&id, &key("one")).await.unwrap();
    store.put_trade_key(&id, &key("two")).await.unwrap();
    assert_eq!(store.trade_key(&id).await.unwrap(), Some(key("two")));
    assert_eq!(store.account(&id).await.unwrap(), None);
    store.remove_trade_key(&id).await.unwrap();
    store.remove_trade_key(&id).await.unwrap();
    assert_eq!(store.trade_key(&id).await.unwrap(), None);
}

pub(crate) async fn heartbeats_are_replaced(store: &impl Store) {
    let beat = |bridge: &str, millis| Heartbeat {
        bridge: bridge.to_owned(),
        at: at(millis),
        connections: 2,
        accounts: vec![account_id()],
    };
    for beat in [beat("b", 1), beat("a", 2), beat("b", 3)] {
        store.put_heartbeat(&beat).await.unwrap();
    }
    let all = store.heartbeats().await.unwrap();
    assert_eq!(all, [beat("a", 2), beat("b", 3)]);
}

pub(crate) async fn what_is_not_there_is_none_or_refused(store: &impl Store) {
    let index = LevelIndex(0);
    let loaded = store.load(&account_id(), &bot_id(), index).await.unwrap();
    assert_eq!(loaded.bot, None);
    assert_eq!(loaded.level, None);
    assert_eq!(loaded.account, None);
    assert_eq!(store.bot(&bot_id()).await.unwrap(), None);
    assert_eq!(store.levels(&bot_id()).await.unwrap(), []);
    let level = next(&levels(&bot_id(), 1)[0], 1, pending(1));
    let id = account_id();
    let refusals = [
        store.claim_intent(0, &level).await.map(drop),
        store
            .commit_fill(&commit(&levels(&bot_id(), 1)[0], level, &[1]))
            .await
            .map(drop),
        store
            .settle_intent(&bot_id(), index, OrderNumber(1), &accepted(1), at(0))
            .await
            .map(drop),
        store
            .update_bot(0, &{
                let mut bot = bot(&bot_id(), 1);
                bot.version = 1;
                bot
            })
            .await
            .map(drop),
        store.remove_bot(&bot_id()).await,
        store.make_due(&bot_id(), at(0)).await,
        store.remove_account(&id).await,
        store.set_breaker(&id, &Breaker::Closed).await,
        store.set_stream(&id, &StreamState::Never).await,
        store.set_stream_key(&id, &key("x")).await,
        store.want_stream(&id, Some(at(1))).await,
    ];
    for (at, refusal) in refusals.iter().enumerate() {
        assert!(
            matches!(refusal, Err(StoreError::Invalid(_))),
            "call {at}: {refusal:?}"
        );
    }
    assert_eq!(store.fills(&bot_id(), None).await.unwrap(), []);
    assert_eq!(store.account(&id).await.unwrap(), None);
}
