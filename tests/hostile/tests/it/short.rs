//! Every target in short: what was kept of it, and some new inputs from a fixed seed.

use std::fs;

use hostile::corpus;
use hostile::crew::replay_line;
use hostile::examine::{Seen, examine};
use hostile::flight::Flight;
use hostile::hunt::{Quota, Stopped, hunt};
use hostile::targets::{ALL, named};

/// New inputs of a target with a share of 100; the others get theirs by share.
const INPUTS: u64 = 8_000;

fn check(name: &str) {
    let target = named(name).unwrap();
    let known = corpus::load(name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let flight = Flight::new(&folder.path().join("flight")).unwrap();
    let new = INPUTS * u64::from(target.share) / 100;
    let quota = Quota {
        inputs: u64::try_from(known.len()).unwrap() + new,
        seed: 1,
    };
    let tally = match hunt(target, &known, quota, &flight).map_err(|stopped| *stopped) {
        Ok(tally) => tally,
        Err(Stopped::Unrecorded(error)) => panic!("{error}"),
        Err(Stopped::Found { input, fault }) => {
            let kept = match known.iter().find(|entry| entry.bytes == input) {
                Some(entry) => Ok(entry.path.clone()),
                None => corpus::keep(&corpus::regressions(name), &input),
            };
            panic!("{fault}\n{}", replay_line(name, kept.as_deref()));
        }
    };
    assert!(tally.inputs >= quota.inputs);
    assert!(tally.behaviours.len() > 1, "every input went one way");
}

macro_rules! short {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        const CHECKED: &[&str] = &[$(stringify!($name)),*];
    };
}

short! {
    stream_frame stream_session
    rest_placed rest_order rest_orders rest_canceled rest_trades
    rest_balances rest_commission rest_permissions rest_rules rest_best_prices rest_server_time
    rest_refusal rest_headers rest_base_url
    queue_message store_level store_record
    tape tape_packed simulator simulator_socket
    words plan command_line keys secret_input
}

#[test]
fn every_target_is_checked_and_has_inputs_of_its_own() {
    let targets: Vec<&str> = ALL.iter().map(|target| target.name).collect();
    assert_eq!(targets, CHECKED);
    for name in targets {
        assert!(!corpus::load(name).unwrap().is_empty(), "{name}");
    }
    for folder in ["corpus", "regressions"] {
        let folder = corpus::folder("x").parent().unwrap().with_file_name(folder);
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(named(&name).is_some(), "inputs of no target: {name}");
        }
    }
}

/// An input that is valid is accepted: a reader that refuses everything would pass the rest.
#[test]
fn valid_inputs_are_accepted() {
    let refused_by_nature = [
        "command_line/seed-help",
        "rest_rules/seed-older",
        "tape/seed-zip",
        "tape_packed/seed-torn",
        "keys/seed-rsa",
    ];
    for target in ALL {
        for entry in corpus::load(target.name).unwrap() {
            let file = entry.path.file_name().unwrap().to_str().unwrap();
            let name = format!("{}/{file}", target.name);
            if !file.starts_with("seed-") || refused_by_nature.contains(&&*name) {
                continue;
            }
            let seen = examine(target, &entry.bytes).unwrap().seen;
            assert!(matches!(seen, Seen::Accepted(_)), "{name}: {seen:?}");
        }
    }
}
