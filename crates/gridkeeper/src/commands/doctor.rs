//! `gridkeeper doctor`: clock, keys, region, address, store, streams and limits, each with its remedy.

mod bots;
mod bridges;
mod exchange;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use domain::Bot;
use trading::{
    AccountRecord, AccountStore as _, BotStore as _, Breaker, Environment, StoreError, StreamState,
};

use self::exchange::{Reach, exchange};
use super::account::{breaker_words, check_account, stream_words};
use super::finding::{self, Finding, Grade, worst};
use super::seen::needs_up;
use super::{Session, write_json};
use crate::failure::{Exit, Failure, Outcome};

pub(super) async fn doctor(session: &mut Session<'_>) -> Outcome {
    if let Some(finding) = silent_up(session).await {
        let rest = Finding::warning(
            "accounts, exchange, streams",
            "not looked at, as the store tells what there is",
            "mend the store first",
        );
        return tell(&[version(), finding, rest], session.json, session.out);
    }
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
    if accounts.is_empty() && findings.iter().all(|finding| finding.subject != "accounts") {
        findings.push(Finding::warning(
            "accounts",
            "there are none yet",
            "gridkeeper account add NAME --exchange testnet --key YOUR_API_KEY",
        ));
    }
    let environments: BTreeSet<Environment> =
        accounts.iter().map(|account| account.environment).collect();
    let mut reached = BTreeMap::new();
    for environment in environments {
        let (found, reach) = exchange(session, environment).await;
        reached.insert(environment, reach);
        findings.extend(found);
    }
    for account in &accounts {
        let reach = reached.get(&account.environment);
        let reach = reach.copied().unwrap_or(Reach::Nothing);
        let wanted = |bot: &Bot| bot.account == account.id && needs_up(bot);
        let wanted = bots.iter().any(wanted);
        findings.extend(of_account(session, account, reach, wanted).await);
    }
    let answers = reached.values().all(|reach| *reach > Reach::Nothing);
    findings.extend(bridges::bridges(session, &accounts, &bots, answers).await);
    tell(&findings, session.json, session.out)
}

/// A running `up` that holds the store and does not answer for it.
async fn silent_up(session: &Session<'_>) -> Option<Finding> {
    let opened = session.home.opened().filter(|opened| !opened.is_owned())?;
    let asked = session.home.store().bot_ids(None).await;
    let Err(StoreError::Unavailable(_) | StoreError::Throttled(_)) = asked else {
        return None;
    };
    Some(Finding::problem(
        "store",
        format!(
            "data folder {} is held by a running `gridkeeper up` that does not answer",
            opened.path.display()
        ),
        "end that process, with `kill -9` if need be, and start `gridkeeper up` again: nothing that was acknowledged \
         is lost",
    ))
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
    let Some(home) = session.home.opened() else {
        return vec![Finding::ok("store", session.home.place())];
    };
    let holder = if home.is_owned() {
        "`gridkeeper up` is not running on it"
    } else {
        "held by a running `gridkeeper up`"
    };
    let folder = home.path.display();
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
    let path = home.keys.path().display();
    findings.push(if has_accounts && home.keys.is_new() {
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

/// Keys, breaker and stream of one account.
async fn of_account(
    session: &Session<'_>,
    account: &AccountRecord,
    reach: Reach,
    wanted: bool,
) -> Vec<Finding> {
    let id = &account.id;
    let mut findings = if reach > Reach::Nothing {
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
    findings.push(stream(session, account, (reach, usable), wanted));
    findings
}

/// `wanted`: a bot of the account is to trade. `usable`: its keys are let through.
fn stream(
    session: &Session<'_>,
    account: &AccountRecord,
    (reach, usable): (Reach, bool),
    wanted: bool,
) -> Finding {
    let id = &account.id;
    let subject = format!("stream of {id}");
    let text = stream_words(&account.stream, account.stream_wanted_since);
    match &account.stream {
        StreamState::Never if session.home.is_unattended() && !wanted => {
            Finding::ok(subject, "none yet; none is needed before a bot is started")
        }
        // That nobody runs bots which need it is told of the bots, once.
        _ if session.home.is_unattended() => {
            Finding::ok(subject, "none now, as `gridkeeper up` is not running")
        }
        StreamState::Subscribed { .. } => Finding::ok(subject, text),
        StreamState::Never | StreamState::Down { .. } if reach == Reach::Nothing => {
            Finding::problem(
                subject,
                format!("{text}; fills are found once the exchange answers again"),
                "see the exchange above",
            )
        }
        StreamState::Never | StreamState::Down { .. } if reach == Reach::Requests => {
            Finding::problem(
                subject,
                format!("{text}; until it is there, fills are found by polling"),
                "see the streams of the exchange above",
            )
        }
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
