//! One exchange as seen from here: its addresses, its clock, what may be asked of it.

use std::time::Duration;

use binance::RestAddress;
use binance::stream::{Connection, ConnectionConfig};
use domain::LocalTime;
use trading::{AccountStop, Clock as _, Environment, ExchangeError};

use super::super::Session;
use super::super::account::place;
use super::super::finding::{Finding, Grade};
use super::of_failure;
use crate::clock::SystemClock;
use crate::environs::Endpoints;
use crate::failure::{plain_cause, stop_remedy};

/// From here on a clock should be set right, in milliseconds.
const CLOCK_WARNS: u64 = 500;

/// Binance takes no request more than 1,000 ms ahead of its clock (rest-api.md, timing security).
const CLOCK_FAILS: u64 = 1_000;

/// How long opening a stream may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an exchange is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Nothing,
    Requests,
    Streams,
}

/// Clock, region, addresses and weight of one exchange as seen from here, and how much of it is reached.
pub(super) async fn exchange(
    session: &Session<'_>,
    environment: Environment,
) -> (Vec<Finding>, Reach) {
    match requests(session, environment).await {
        Err(finding) => (vec![finding], Reach::Nothing),
        Ok((mut findings, endpoints)) => {
            let streams = streams(&endpoints.web_socket, environment).await;
            let reach = if streams.grade == Grade::Ok {
                Reach::Streams
            } else {
                Reach::Requests
            };
            findings.push(streams);
            (findings, reach)
        }
    }
}

/// What the address for requests says, and where the exchange is.
async fn requests(
    session: &Session<'_>,
    environment: Environment,
) -> Result<(Vec<Finding>, Endpoints), Finding> {
    let subject = format!("exchange ({})", place(environment));
    let endpoints = match session.home.environs().endpoints(environment) {
        Ok(endpoints) => endpoints,
        Err(failure) => return Err(of_failure(subject, failure)),
    };
    let address = match session.home.exchanges().address(environment) {
        Ok(address) => address,
        Err(error) => return Err(of_failure(subject, error.into())),
    };
    // Twice: the first reading pays for opening the connection.
    if let Err(error) = address.server_time().await {
        return Err(unreached(&subject, environment, &endpoints.rest, &error));
    }
    let asked = session.clock.now();
    let server = match address.server_time().await {
        Ok(server) => server,
        Err(error) => return Err(unreached(&subject, environment, &endpoints.rest, &error)),
    };
    let answered = session.clock.now();
    let findings = vec![
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
    ];
    Ok((findings, endpoints))
}

/// Whether streams can be opened: another address, which may be shut off or mistyped for itself.
async fn streams(url: &str, environment: Environment) -> Finding {
    let config = ConnectionConfig {
        url: url.to_owned(),
        timeout: PATIENCE,
        silence: PATIENCE,
    };
    match Connection::open(config, || SystemClock.now()).await {
        Ok(connection) => {
            connection.close().await;
            Finding::ok("streams", format!("{url} lets streams be opened"))
        }
        Err(error) => Finding::problem(
            "streams",
            format!("no stream can be opened: {error}; fills would be found by polling only"),
            if environment == Environment::Simulated {
                "see that GRIDKEEPER_BINANCE_WS is what `gridkeeper simulate-exchange` said at its start, for `gridkeeper \
                 up` too"
            } else {
                "see that no firewall stands between, and that GRIDKEEPER_BINANCE_WS is not set"
            },
        ),
    }
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
