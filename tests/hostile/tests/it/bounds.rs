//! Memory: the widest inputs there are, in the shapes that cost most for each byte.

use hostile::corpus;
use hostile::examine::examine;
use hostile::targets::named;

/// Gives a target an input made of a head, one part so many times, and a tail.
fn holds(target: &str, head: &str, part: &str, tail: &str, length: usize) -> u64 {
    let target = named(target).unwrap();
    let times = (length - head.len() - tail.len()) / part.len();
    let input = format!("{head}{}{tail}", part.repeat(times));
    examine(target, input.as_bytes()).unwrap().peak
}

/// The costliest parts of JSON: objects and arrays of one small value each, and many small values.
const PARTS: [&str; 5] = ["{\"\":0},", "[0],", "0,", "{},", "\"\","];

#[test]
fn a_frame_of_the_greatest_length_is_bounded() {
    for part in PARTS {
        let peak = holds(
            "stream_frame",
            "{\"id\":\"1\",\"status\":200,\"result\":[",
            part,
            "0]}",
            binance::stream::MAX_FRAME_BYTES,
        );
        println!("a frame of {part}: {peak} bytes");
    }
}

/// Fields that nobody asked for are passed over, whatever is in them.
#[test]
fn a_page_of_the_greatest_length_is_bounded() {
    let order = r#"{"symbol":"XRPETH","orderId":1,"clientOrderId":"a","price":"1","origQty":"1","executedQty":"0","status":"NEW","side":"BUY","time":1,"updateTime":1,"x":["#;
    for part in PARTS {
        let peak = holds("rest_orders", &format!("[{order}"), part, "0]}]", 2 << 20);
        println!("a page of {part}: {peak} bytes");
    }
}

#[test]
fn a_symbols_rules_of_the_greatest_length_are_bounded() {
    for part in PARTS {
        let head = r#"{"symbols":[{"filters":[{"filterType":"NEW","x":["#;
        let target = named("rest_rules").unwrap();
        let peak = holds("rest_rules", head, part, "0]}]}]}", 2 << 20);
        println!("rules of {part}: {peak} bytes");
        assert!(peak > 0 && target.per_byte < 100);
    }
}

/// The decimal crate's own reader takes some of the stack for each underscore after a point, until
/// nothing is left and the process ends: no foreign text may get to it.
#[test]
fn a_long_number_takes_no_stack() {
    let number = format!("999.5{}", "_".repeat(300_000));
    let known = corpus::load("store_record").unwrap();
    let bot = known.into_iter().find(|one| one.path.ends_with("seed-bot"));
    let bot = String::from_utf8(bot.unwrap().bytes).unwrap();
    let item = bot.replace(
        "\"tick\":{\"S\":\"0.0001\"}",
        &format!("\"tick\":{{\"S\":\"{number}\"}}"),
    );
    assert!(item.len() > number.len());
    let print = r#"market {"do":"print","symbol":"BTCUSDT","price":"#;
    for (target, input) in [
        ("words", number.clone()),
        ("store_record", item),
        (
            "tape",
            format!("1,{number},2,10,10,1570752011620,True,True"),
        ),
        (
            "simulator",
            format!("signed GET /api/v3/account recvWindow={number}"),
        ),
        (
            "simulator",
            format!("{print}\"{number}\",\"quantity\":\"1\"}}"),
        ),
    ] {
        let target = named(target).unwrap();
        (target.read)(input.as_bytes());
    }
}

#[test]
fn a_message_of_the_greatest_length_is_bounded() {
    for part in PARTS {
        let head = r#"{"v":1,"type":"reconcile","account":"main","bot":null,"why":"","x":["#;
        let peak = holds(
            "queue_message",
            head,
            part,
            "0]}",
            trading::MAX_MESSAGE_BYTES,
        );
        println!("a message of {part}: {peak} bytes");
    }
}
