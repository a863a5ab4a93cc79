//! Ids: every one of ours reads back, and none has a second spelling.

use proptest::prelude::*;

use super::*;

fn order_id(bot: &str, level: u16, no: u32) -> ClientOrderId {
    ClientOrderId {
        bot: bot.parse().unwrap(),
        level: LevelIndex(level),
        no: OrderNumber(no),
    }
}

#[test]
fn the_longest_client_order_id_fits() {
    let longest = order_id("abcdefghij09", u16::MAX, u32::MAX).to_string();
    assert_eq!(longest, "gk-abcdefghij09-65535-4294967295");
    assert!(longest.len() <= 36);
    assert!(
        longest
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    );
}

#[test]
fn a_second_spelling_names_nothing() {
    for text in [
        "gk-ab12-007-1",
        "gk-ab12-7-01",
        "gk-ab12-+7-1",
        "gk-ab12-7-+1",
        "gk-ab12--7-1",
        "gk-ab12-7-0",
        "gk-ab12-7-1-",
        "gk-ab12-7-1-2",
        "gk-ab12-7-",
        "gk-ab12-7",
        "gk-ab12",
        "gk-",
        "",
        "GK-ab12-7-1",
        "gk-AB12-7-1",
        "gk_ab12_7_1",
        " gk-ab12-7-1",
        "gk-ab12-7-1 ",
        "gk-ab12-65536-1",
        "gk-ab12-7-4294967296",
        "gk-abc-7-1",
        "gk-abcdefghij091-7-1",
        "gk-ab1٢-7-1",
        "gk-ab12-٧-1",
        "x-gk-ab12-7-1",
    ] {
        assert!(text.parse::<ClientOrderId>().is_err(), "{text:?}");
        assert!(!ClientOrderId::looks_like_ours(text), "{text:?}");
    }
    assert!(ClientOrderId::looks_like_ours("gk-ab12-7-1"));
}

#[test]
fn names_keep_to_their_letters() {
    for text in ["", "Main", "ma in", "main#2", "ä", "a_b", &"a".repeat(33)] {
        assert!(text.parse::<AccountId>().is_err(), "{text:?}");
    }
    for text in ["main", "sub-2", &"a".repeat(32)] {
        assert_eq!(text.parse::<AccountId>().unwrap().as_str(), text);
    }
    for text in ["", "abc", "ab-12", "abcdefghijklm"] {
        assert!(text.parse::<BotId>().is_err(), "{text:?}");
    }
    for text in [
        "",
        "XRP ETH",
        "XRP#ETH",
        "XRP\n",
        "XRP\u{a0}ETH",
        &"币".repeat(14),
    ] {
        assert!(text.parse::<Symbol>().is_err(), "{text:?}");
        assert!(text.parse::<Asset>().is_err(), "{text:?}");
    }
    for text in ["XRPETH", "币安人生USDT", "1000SATS"] {
        assert_eq!(text.parse::<Symbol>().unwrap().to_string(), text);
    }
}

#[test]
fn a_stored_id_is_checked_when_read() {
    assert!(serde_json::from_str::<AccountId>("\"../etc\"").is_err());
    assert!(serde_json::from_str::<BotId>("\"a-b-c\"").is_err());
    assert!(serde_json::from_str::<ClientOrderId>("\"gk-ab12-07-1\"").is_err());
    let id = order_id("ab12", 7, 1);
    assert_eq!(serde_json::to_string(&id).unwrap(), "\"gk-ab12-7-1\"");
    assert_eq!(
        serde_json::from_str::<ClientOrderId>("\"gk-ab12-7-1\"").unwrap(),
        id
    );
}

#[test]
fn the_error_shows_what_was_read_without_obeying_it() {
    let error = "\u{1b}[2J\u{7}"
        .parse::<AccountId>()
        .unwrap_err()
        .to_string();
    assert!(!error.contains(['\u{1b}', '\u{7}']), "{error:?}");
    let error = "z"
        .repeat(9_000)
        .parse::<AccountId>()
        .unwrap_err()
        .to_string();
    assert!(error.len() < 200, "{error}");
}

#[test]
fn order_numbers_grow_by_one() {
    assert_eq!(OrderNumber::FIRST.next(), OrderNumber(2));
    assert_eq!(OrderNumber(u32::MAX).next(), OrderNumber(u32::MAX));
}

proptest! {
    #[test]
    fn a_client_order_id_reads_back(bot in "[a-z0-9]{4,12}", level: u16, no in 1_u32..) {
        let id = order_id(&bot, level, no);
        prop_assert_eq!(id.to_string().parse::<ClientOrderId>().unwrap(), id);
    }

    #[test]
    fn whatever_reads_as_an_id_is_written_the_same(text in "gk-[a-z0-9]{3,13}-[-+0-9]{1,6}-[-+0-9]{1,11}") {
        if let Ok(id) = text.parse::<ClientOrderId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
