//! `gridkeeper doctor`: clock, keys, region, address, store, streams and limits, each with its remedy.

mod bots;
mod bridges;
mod waits;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use binance::RestAddress;
use domain::{Bot, LocalTime};
use trading::{
    AccountRecord, AccountStop, AccountStore as _, Breaker, Clock as _, Environment, ExchangeError,
    StreamState,
};

use super::account::{breaker_words, check_account, place, stream_words};
use super::finding::{self, Finding, Grade, worst};
use super::seen::needs_up;
use super::{Session, write_json};
use crate::failure::{Exit, Failure, Outcome, plain_cause, stop_remedy};

/// From here on a clock should be set right, in milliseconds.
const CLOCK_WARNS: u64 = 500;

/// Binance takes no request more than 1,000 ms ahead of its clock (rest-api.md, timing security).
const CLOCK_FAILS: u64 = 1_000;

pub(super) async fn doctor(session: &mut Session<'_>) -> Outcome {
    let mut findings = vec![version()];
    let (of_bots, bots) = bots::bots(session).await;
    let (of_accounts, accounts) = match session.home.store().list_accounts().await {
        Ok(listed) => {
            let bad = listed.unreadable.into_iter();
            let bad = bad.map(|error| of_failure("accounts", error.into()));
            (bad.collect(), listed.readable)
        }
        Err(error) => (vec![of_failure("accounts", error.into())], Vec::new()),
    };
    findings.extend(store(session, !accounts.is_empty()));
    findings.extend(of_bots);
    findings.extend(of_accounts);
    if accounts.is_empty() {
        findings.push(Finding::warning(
            "accounts",
            "there are none yet",
            "gridkeeper account add NAME --exchange testnet --key YOUR_API_KEY",
        ));
    }
    let environments: BTreeSet<Environment> =
        accounts.iter().map(|account| account.environment).collect();
    let mut unreached = BTreeSet::new();
    for environment in environments {
        let found = exchange(session, environment).await;
        // The last one said is the clock or the weight, which take an answer to know.
        if found.len() == 1 {
            unreached.insert(environment);
        }
        findings.extend(found);
    }
    for account in &accounts {
        let reached = !unreached.contains(&account.environment);
        let wanted = |bot: &Bot| bot.account == account.id && needs_up(bot);
        let wanted = bots.iter().any(wanted);
        findings.extend(of_account(session, account, reached, wanted).await);
    }
    let answers = unreached.is_empty();
    findings.extend(bridges::bridges(session, &accounts, &bots, answers).await);
    tell(&findings, session.json, session.out)
}

/// What there is to say when the data folder cannot be opened: the rest depends on it.
pub(super) fn without_home(failure: Failure, json: bool, out: &mut dyn Write) -> Outcome {
    let findings = [
        version(),
        of_failure("store", failure),
        Finding::warning(
            "accounts, exchange, streams",
            "not looked at, as the store tells what there is",
            "mend the store first",
        ),
    ];
    tell(&findings, json, out)
}

/// What there is to say where there is no data folder yet. None is made: the name may be mistyped.
pub(super) fn without_folder(folder: &Path, json: bool, out: &mut dyn Write) -> Outcome {
    let findings = [
        version(),
        Finding::warning(
            "store",
            format!("there is no data folder {} yet", folder.display()),
            "`gridkeeper account add NAME --exchange testnet --key YOUR_API_KEY` makes it; another one is named \
             with --data DIR",
        ),
    ];
    tell(&findings, json, out)
}

fn tell(findings: &[Finding], json: bool, out: &mut dyn Write) -> Outcome {
    if json {
        write_json(&findings, out)?;
    } else {
        finding::write(findings, out)?;
        writeln!(out, "\n{}", finding::verdict(findings))?;
    }
    Ok(if worst(findings) == Grade::Problem {
        Exit::No
    } else {
        Exit::Yes
    })
}

fn version() -> Finding {
    Finding::ok(
        "version",
        format!("gridkeeper {}", env!("CARGO_PKG_VERSION")),
    )
}

fn of_failure(subject: impl std::fmt::Display, failure: Failure) -> Finding {
    let place = failure
        .place
        .map_or_else(String::new, |place| format!(" ({place})"));
    let mend = failure
        .mend
        .unwrap_or_else(|| "run the command again".to_owned());
    Finding::problem(subject, format!("{}{place}", failure.what), mend)
}

/// Where the store is, who holds it, and what it survives.
fn store(session: &Session<'_>, has_accounts: bool) -> Vec<Finding> {
    let home = &session.home;
    let holder = if home.is_owned() {
        "`gridkeeper up` is not running on it"
    } else {
        "held by a running `gridkeeper up`"
    };
    let folder = home.folder().display();
    let mut findings = vec![Finding::ok(
        "store",
        format!("data folder {folder}, {holder}"),
    )];
    if home.is_open_to_others() {
        findings.push(Finding::warning(
            "store",
            "the data folder is open to other users of this machine; its files are private all the same",
            format!("chmod 700 {folder}"),
        ));
    }
    if home.is_owned() {
        findings.push(Finding::ok("store", home.durability()));
    }
    let path = home.keys().path().display();
    findings.push(if has_accounts && home.keys().is_new() {
        Finding::problem(
            "key file",
            format!("{path} was not there and has been made anew: keys that were sealed with the old one do not open"),
            "put the old file back from a backup, or give each key again with `gridkeeper account rotate NAME`",
        )
    } else {
        Finding::ok("key file", format!("{path}, private to its owner"))
    });
    findings
}

/// Clock, region, address and weight of one exchange as seen from here.
async fn exchange(session: &Session<'_>, environment: Environment) -> Vec<Finding> {
    let subject = format!("exchange ({})", place(environment));
    let endpoints = match session.home.environs().endpoints(environment) {
        Ok(endpoints) => endpoints,
        Err(failure) => return vec![of_failure(subject, failure)],
    };
    let address = match session.home.exchanges().address(environment) {
        Ok(address) => address,
        Err(error) => return vec![of_failure(subject, error.into())],
    };
    // Twice: the first reading pays for opening the connection.
    if let Err(error) = address.server_time().await {
        return vec![unreached(&subject, environment, &endpoints.rest, &error)];
    }
    let asked = session.clock.now();
    let server = match address.server_time().await {
        Ok(server) => server,
        Err(error) => return vec![unreached(&subject, environment, &endpoints.rest, &error)],
    };
    let answered = session.clock.now();
    vec![
        Finding::ok(
            &subject,
            format!(
                "{} answers in {} ms{}",
                endpoints.rest,
                answered.since(asked).as_millis(),
                match environment {
                    Environment::Simulated => "",
                    Environment::Production | Environment::Testnet | Environment::Demo =>
                        "; this region and address are let through",
                }
            ),
        ),
        clock(asked, server.as_millis(), answered),
        weight(&address),
    ]
}

fn unreached(subject: &str, environment: Environment, url: &str, error: &ExchangeError) -> Finding {
    match error {
        ExchangeError::Stopped {
            stop: stop @ (AccountStop::Region | AccountStop::Banned),
            ..
        } => Finding::problem(subject, error, stop_remedy(*stop, Some(environment))),
        ExchangeError::Limited { detail, .. } => Finding::warning(
            subject,
            format!(
                "{url}: this address has used up what the exchange lets it ask ({detail}); until it may ask again, \
                 no bot is compared and nothing is sent"
            ),
            "wait for a minute; if it lasts, run fewer bots or other programs from this address",
        ),
        ExchangeError::Stopped { .. }
        | ExchangeError::Unavailable(_)
        | ExchangeError::UnknownSymbol(_)
        | ExchangeError::Refused(_) => Finding::problem(
            subject,
            format!("{url}: {}", plain_cause(&error.to_string())),
            if environment == Environment::Simulated {
                "see that `gridkeeper simulate-exchange` is running there"
            } else {
                "see that this machine has a connection and that no firewall stands between"
            },
        ),
    }
}

/// How far the exchange's clock is from this machine's, half the way there taken off.
fn clock(asked: LocalTime, server: i64, answered: LocalTime) -> Finding {
    let trip = answered.as_millis().saturating_sub(asked.as_millis());
    let middle = asked.as_millis().saturating_add(trip / 2);
    let offset = middle.saturating_sub(server);
    let apart = offset.unsigned_abs();
    let direction = if offset > 0 { "ahead of" } else { "behind" };
    let text = format!("this machine's clock is {apart} ms {direction} the exchange's");
    let remedy = "set it right: `timedatectl set-ntp true`";
    match apart {
        CLOCK_FAILS.. => Finding::problem(
            "clock",
            format!(
                "{text}; requests are signed with the exchange's time as measured, but a clock so far off may jump"
            ),
            remedy,
        ),
        CLOCK_WARNS..CLOCK_FAILS => Finding::warning("clock", text, remedy),
        _ => Finding::ok("clock", text),
    }
}

fn weight(address: &RestAddress) -> Finding {
    let usage = address.weight();
    let (used, limit) = (usage.used, usage.limit);
    let text = format!("{used} of {limit} used in this minute by this address");
    if u64::from(used).saturating_mul(10) >= u64::from(limit).saturating_mul(8) {
        return Finding::warning(
            "request weight",
            text,
            "run fewer bots or other programs from this address",
        );
    }
    Finding::ok("request weight", text)
}

/// Keys, breaker and stream of one account.
async fn of_account(
    session: &Session<'_>,
    account: &AccountRecord,
    reached: bool,
    wanted: bool,
) -> Vec<Finding> {
    let id = &account.id;
    let mut findings = if reached {
        check_account(session, account)
            .await
            .unwrap_or_else(|failure| vec![of_failure(format!("keys of {id}"), failure)])
    } else {
        vec![Finding::warning(
            format!("keys of {id}"),
            "not looked at, as the exchange could not be asked",
            "see the exchange above",
        )]
    };
    let good = worst(&findings) == Grade::Ok;
    let usable = worst(&findings) < Grade::Problem;
    let orders = breaker_words(&account.breaker);
    match &account.breaker {
        Breaker::Closed if good => findings.push(Finding::ok(format!("orders of {id}"), orders)),
        // With a key in doubt, that no order was refused so far says nothing.
        Breaker::Closed => {}
        Breaker::Stopped { until: None, .. } => findings.push(Finding::problem(
            format!("orders of {id}"),
            orders,
            format!("mend the cause, then: gridkeeper account check {id}"),
        )),
        Breaker::Stopped { until: Some(_), .. } => findings.push(Finding::warning(
            format!("orders of {id}"),
            orders,
            "it ends by itself",
        )),
    }
    findings.push(stream(session, account, (reached, usable), wanted));
    findings
}

/// `wanted`: a bot of the account is to trade. `usable`: its keys are let through.
fn stream(
    session: &Session<'_>,
    account: &AccountRecord,
    (reached, usable): (bool, bool),
    wanted: bool,
) -> Finding {
    let id = &account.id;
    let subject = format!("stream of {id}");
    let text = stream_words(&account.stream, account.stream_wanted_since);
    match &account.stream {
        StreamState::Never if session.home.is_owned() && !wanted => {
            Finding::ok(subject, "none yet; none is needed before a bot is started")
        }
        // That nobody runs bots which need it is told of the bots, once.
        _ if session.home.is_owned() => {
            Finding::ok(subject, "none now, as `gridkeeper up` is not running")
        }
        StreamState::Subscribed { .. } => Finding::ok(subject, text),
        StreamState::Never | StreamState::Down { .. } if !reached => Finding::problem(
            subject,
            format!("{text}; fills are found once the exchange answers again"),
            "see the exchange above",
        ),
        StreamState::Never | StreamState::Down { .. } if !usable => Finding::problem(
            subject,
            format!("{text}; with a key that is refused, fills are found only once that is mended"),
            "see the keys above",
        ),
        StreamState::Never | StreamState::Down { .. } => Finding::problem(
            subject,
            format!("{text}; until it is there, fills are found by polling"),
            format!(
                "it is subscribed again by itself; if it stays so, see the key: gridkeeper account check {id}"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off() {
        let at = LocalTime::from_millis;
        for (asked, server, answered, grade, words) in [
            (1_000, 1_020, 1_040, Grade::Ok, "0 ms behind"),
            (1_000, 320, 1_040, Grade::Warning, "700 ms ahead of"),
            (1_000, 11_020, 1_040, Grade::Problem, "10000 ms behind"),
            (20_000, 10_020, 20_040, Grade::Problem, "10000 ms ahead of"),
        ] {
            let finding = clock(at(asked), server, at(answered));
            assert_eq!(finding.grade, grade, "{}", finding.text);
            assert!(finding.text.contains(words), "{}", finding.text);
        }
    }
}
