//! Who holds what, worked out from heartbeats alone.

use proptest::collection::btree_set;
use proptest::prelude::*;

use super::*;

fn id(name: &str) -> AccountId {
    name.parse().unwrap()
}

fn accounts(many: usize) -> Vec<AccountId> {
    (0..many)
        .map(|number| id(&format!("account-{number:04}")))
        .collect()
}

fn at(seconds: u64) -> Moment {
    let elapsed = Duration::from_secs(seconds);
    Moment {
        wall: LocalTime::from_millis(1_790_000_000_000).after(elapsed),
        elapsed,
        jitter: 0,
    }
}

fn beat(bridge: &str, wall: LocalTime, held: &[&str]) -> Heartbeat {
    Heartbeat {
        bridge: bridge.to_owned(),
        at: wall,
        connections: 1,
        accounts: held.iter().map(|name| id(name)).collect(),
    }
}

/// What the bridge `name` knows when all these are alive.
fn among(name: &str, bridges: &[&str]) -> Peers {
    let mut peers = Peers::new(name);
    let beats = bridges.iter().map(|bridge| beat(bridge, at(0).wall, &[]));
    peers.learn(beats.collect(), at(0));
    peers
}

/// By account, the bridges that hold it when each works it out by itself.
fn shares(bridges: &[&str], accounts: &[AccountId]) -> BTreeMap<AccountId, BTreeSet<String>> {
    let views: Vec<Peers> = bridges.iter().map(|name| among(name, bridges)).collect();
    accounts
        .iter()
        .map(|account| {
            let holding = views.iter().filter(|view| view.holds(account));
            let names = holding.map(|view| view.name.clone()).collect();
            (account.clone(), names)
        })
        .collect()
}

/// Written down, so that a change of the hash is noticed: bridges of two versions run side by side.
#[test]
fn the_same_two_hold_an_account_in_every_version() {
    let bridges = ["a", "b", "c", "d", "e"];
    for (account, expected) in [
        ("main", ["d", "e"]),
        ("account-0001", ["c", "a"]),
        ("account-0002", ["b", "a"]),
        ("account-0003", ["a", "c"]),
        ("0", ["b", "a"]),
    ] {
        for name in bridges {
            assert_eq!(
                among(name, &bridges).holders(&id(account)),
                expected,
                "{account}"
            );
        }
    }
    assert_eq!(weight("a", &id("main")), 0x6834fe875339a3a4);
}

#[test]
fn one_or_two_hold_everything_and_more_share_it_evenly() {
    let accounts = accounts(1_000);
    for (bridges, holders, fewest, most) in [
        (&["a"][..], 1, 1_000, 1_000),
        (&["a", "b"], 2, 1_000, 1_000),
        // Two thirds, and two fifths, give or take a tenth of that.
        (&["a", "b", "c"], 2, 600, 733),
        (&["a", "b", "c", "d", "e"], 2, 360, 440),
        (&["bridge-1", "bridge-2", "bridge-3"], 2, 600, 733),
        (
            &["bridge-52f3a1c0", "bridge-9d04e77b", "bridge-0a1b2c3d"],
            2,
            600,
            733,
        ),
    ] {
        let shares = shares(bridges, &accounts);
        assert!(shares.values().all(|names| names.len() == holders));
        for name in bridges {
            let held = shares.values().filter(|names| names.contains(*name));
            let held = held.count();
            assert!(
                (fewest..=most).contains(&held),
                "{name} of {bridges:?}: {held}"
            );
        }
    }
}

/// What a change of the living moves: only what the one that came or went holds.
#[test]
fn a_change_moves_no_account_of_others() {
    let accounts = accounts(1_000);
    for (before, after, changed) in [
        (&["a", "b", "c"][..], &["a", "b", "c", "d"][..], "d"),
        (&["a", "b"], &["a", "b", "c"], "c"),
        (&["a", "b", "c", "d", "e"], &["a", "b", "d", "e"], "c"),
    ] {
        let (old, new) = (shares(before, &accounts), shares(after, &accounts));
        for (account, names) in &old {
            let next = &new[account];
            if !names.contains(changed) && !next.contains(changed) {
                assert_eq!(names, next, "{account}");
            }
            let stays = names.intersection(next).count();
            assert!(stays >= 1, "{account} has one holder that goes on");
        }
    }
}

#[test]
fn a_bridge_is_alive_for_as_long_as_its_heartbeat_changes() {
    let alive = |peers: &Peers| peers.live().count() == 1;
    // How far the other's clock is ahead, in seconds.
    for skew in [-3_600, -20, 0, 20, 3_600] {
        let wall =
            |seconds: i64| LocalTime::from_millis(1_790_000_000_000 + (seconds + skew) * 1_000);
        let mut peers = Peers::new("a");
        peers.learn(vec![beat("b", wall(0), &["x"])], at(0));
        assert_eq!(
            alive(&peers),
            skew > -15,
            "{skew}: at first sight only its clock tells"
        );
        peers.learn(vec![beat("b", wall(5), &["x"])], at(5));
        assert!(alive(&peers), "{skew}");
        peers.learn(vec![beat("b", wall(5), &["x"])], at(19));
        assert!(alive(&peers), "{skew}");
        assert!(peers.listed_by_another(&id("x")));
        let news = peers.learn(vec![beat("b", wall(5), &["x"])], at(20));
        assert!(!alive(&peers) && news.len() == 1, "{skew}: {news:?}");
        assert!(!peers.listed_by_another(&id("x")), "the dead hold nothing");
        peers.learn(vec![beat("b", wall(5), &["x"])], at(1_000));
        assert!(
            !alive(&peers),
            "{skew}: it stays dead, whatever its clock said"
        );
        peers.learn(vec![beat("b", wall(1_001), &["x"])], at(1_001));
        assert!(alive(&peers), "{skew}: started again");
        peers.learn(Vec::new(), at(1_002));
        assert!(!alive(&peers), "{skew}: taken out of the table");
    }
}

#[test]
fn an_account_is_given_up_only_when_both_who_are_to_hold_it_say_that_they_do() {
    let bridges = ["a", "b", "c", "d"];
    let account = id("main");
    let holders: Vec<String> = among("a", &bridges)
        .holders(&account)
        .iter()
        .map(ToString::to_string)
        .collect();
    for name in bridges {
        let mut peers = among(name, &bridges);
        let holds = holders.iter().any(|holder| holder == name);
        for listing in 0..16_u32 {
            let beats = bridges.iter().enumerate().map(|(number, bridge)| {
                let lists = listing & (1 << number) != 0;
                beat(bridge, at(1).wall, if lists { &["main"] } else { &[] })
            });
            peers.learn(beats.collect(), at(1));
            let both = bridges.iter().enumerate().filter(|(number, bridge)| {
                listing & (1 << number) != 0 && holders.iter().any(|holder| holder == *bridge)
            });
            assert_eq!(peers.holds(&account), holds);
            assert_eq!(
                peers.is_covered(&account),
                !holds && both.count() == 2,
                "{name} {listing:b}"
            );
        }
    }
}

/// One long dead, whose clock was ahead, is taken for alive at first sight, and so is one that died while
/// nobody was watching.
#[test]
fn nobody_is_believed_before_a_heartbeat_of_its_came() {
    let (bridges, account) = (["a", "b", "c"], id("main"));
    let (holders, others): (Vec<&str>, Vec<&str>) = bridges
        .iter()
        .partition(|name| among(name, &bridges).holds(&account));
    let mut peers = Peers::new(others[0]);
    // When heartbeats are read, from when those of the two holders are then, and whether both are believed.
    for (read, first, second, believed) in [
        (0, 0, 0, false),
        (3, 3, 0, false),
        (6, 3, 6, true),
        (13, 3, 6, true),
        // Nobody was watching, and they may have died since.
        (21, 16, 16, false),
        (24, 24, 16, false),
        (27, 24, 27, true),
    ] {
        let beats = [(holders[0], first), (holders[1], second)];
        let beats = beats.map(|(name, written)| beat(name, at(written).wall, &["main"]));
        peers.learn(beats.into(), at(read));
        assert!(peers.listed_by_another(&account), "{read}");
        assert_eq!(peers.is_covered(&account), believed, "{read}");
    }
}

const UP: &str = "up";

/// One line per case: what this bridge (`a`, of `a` and `b`) has itself, what is stored, how `b`
/// stands (dead, or when its heartbeat is from and whether it lists the account; `first` is one at first
/// sight, `unread` is none ever read), whether it writes.
/// `first` is whether `a` ranks before `b` for the account.
const WHO_WRITES: &str = "
    up    never     dead           writes writes
    up    down      dead           writes writes
    up    down      later/lists    writes writes
    up    mine      later/lists    writes writes
    up    theirs    later/lists    leaves leaves
    up    theirs    earlier/silent leaves leaves
    up    theirs    later/silent   writes writes
    up    theirs    dead           writes writes
    down  never     later/lists    leaves leaves
    down  down      later/lists    leaves leaves
    down  never     dead           writes writes
    down  never     later/silent   writes leaves
    down  down      later/silent   writes leaves
    down  mine      later/silent   writes writes
    down  mine      later/lists    leaves leaves
    down  mine      dead           writes writes
    down  theirs    later/lists    leaves leaves
    down  theirs    earlier/silent leaves leaves
    down  theirs    later/silent   writes leaves
    down  theirs    dead           writes writes
    up    theirs    first/silent   leaves leaves
    down  theirs    first/silent   leaves leaves
    down  down      first/silent   writes leaves
    up    theirs    unread         leaves leaves
    down  theirs    unread         leaves leaves
    up    down      unread         writes writes
";

#[test]
fn who_writes_the_stream_of_an_account_that_two_hold() {
    let first = accounts(100)
        .into_iter()
        .find(|account| among("a", &["a", "b"]).holders(account)[0] == "a")
        .unwrap();
    let second = accounts(100)
        .into_iter()
        .find(|account| among("a", &["a", "b"]).holders(account)[0] == "b")
        .unwrap();
    for line in WHO_WRITES.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let claim = |bridge: &str, seconds| StreamState::Subscribed {
            since: at(seconds).wall,
            bridge: bridge.to_owned(),
        };
        let down = |why: &str| StreamState::Down {
            since: at(1).wall,
            why: why.to_owned(),
        };
        let own = if words[0] == UP {
            claim("a", 12)
        } else {
            down("mine")
        };
        let stored = match words[1] {
            "never" => StreamState::Never,
            "down" => down("theirs"),
            "mine" => claim("a", 10),
            "theirs" => claim("b", 10),
            other => panic!("{other}"),
        };
        for (account, expected) in [(&first, words[3]), (&second, words[4])] {
            let mut peers = Peers::new("a");
            let now = if words[2].starts_with("earlier") {
                at(10)
            } else {
                at(11)
            };
            let lists: &[&str] = if words[2].ends_with("lists") {
                &[account.as_str()]
            } else {
                &[]
            };
            let heard = |now: Moment, lists: &[&str]| match words[2] {
                "dead" => Vec::new(),
                _ => vec![beat("b", now.wall, lists)],
            };
            if !["unread", "first/silent"].contains(&words[2]) {
                peers.learn(heard(at(5), &[]), at(5));
            }
            if words[2] != "unread" {
                peers.learn(heard(now, lists), now);
            }
            let writes = peers.may_write(account, &own, &stored);
            assert_eq!(writes, expected == "writes", "{line}");
        }
    }
}

proptest! {
    /// Bridges that see different others err on the side of holding: who holds an account among
    /// many holds it among few.
    #[test]
    fn bridges_that_see_different_others_still_leave_no_account_out(
        seen_by_all in btree_set("[a-z]{1,8}", 1..6),
        more in btree_set("[A-Z]{1,8}", 0..4),
        account in "[a-z0-9]{1,12}",
    ) {
        let account = id(&account);
        let wide: Vec<&str> = seen_by_all.iter().chain(&more).map(String::as_str).collect();
        let narrow: Vec<&str> = seen_by_all.iter().map(String::as_str).collect();
        let holding = narrow.iter().filter(|name| among(name, &narrow).holds(&account)).count();
        prop_assert_eq!(holding, narrow.len().min(HOLDERS));
        let held = wide.iter().filter(|name| among(name, &wide).holds(&account)).count();
        prop_assert_eq!(held, wide.len().min(HOLDERS));
        for name in &narrow {
            // Who holds it among many holds it among few.
            prop_assert!(among(name, &narrow).holds(&account) || !among(name, &wide).holds(&account));
        }
    }
}
