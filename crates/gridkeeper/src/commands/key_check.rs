//! What the exchange says of a key: whether it accepts it, what it may do, until when.

use binance::{KeyPermissions, RestClient};
use domain::{AccountId, ExchangeTime};
use trading::{Environment, Exchange as _, ExchangeError};

use super::finding::Finding;
use crate::failure::{key_page, plain_cause, stop_remedy, whole_seconds};
use crate::keys::Purpose;
use crate::table::when_there;

/// How long before a key loses its trade permission it is warned of.
const SOON: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);

/// Asks the exchange about one key. `shared` if the same key serves as the other one too.
///
/// # Errors
/// [`ExchangeError`] when it says nothing of the key: it does not answer, or asks to wait.
pub(crate) async fn check_key(
    account: &AccountId,
    client: &RestClient,
    environment: Environment,
    purpose: Purpose,
    shared: bool,
) -> Result<Vec<Finding>, ExchangeError> {
    let subject = format!("{purpose} key of {account}");
    let mut findings = Vec::new();
    match client.balances().await {
        Ok(_) => findings.push(Finding::ok(&subject, "the exchange accepts it")),
        Err(error @ (ExchangeError::Unavailable(_) | ExchangeError::Limited { .. })) => {
            return Err(error);
        }
        Err(error) => {
            let mut finding = refused(&subject, environment, &error);
            let named =
                |remedy: String| remedy.replace("rotate NAME", &format!("rotate {account}"));
            finding.remedy = finding.remedy.map(named);
            findings.push(finding);
            return Ok(findings);
        }
    }
    match client.key_permissions().await {
        Ok(Some(permissions)) => {
            let now = client.estimated_time();
            findings.extend(judge_permissions(
                &Key {
                    subject: &subject,
                    environment,
                    purpose,
                    shared,
                },
                &permissions,
                now,
            ));
        }
        Ok(None) => findings.push(Finding::ok(
            &subject,
            "this exchange does not tell what a key may do",
        )),
        Err(error) => findings.push(Finding::warning(
            &subject,
            format!("what it may do could not be read: {error}"),
            "run the check again",
        )),
    }
    Ok(findings)
}

/// What an error of a signed question says of the key.
pub(crate) fn refused(subject: &str, environment: Environment, error: &ExchangeError) -> Finding {
    match error {
        ExchangeError::Stopped { stop, .. } => {
            Finding::problem(subject, error, stop_remedy(*stop, Some(environment)))
        }
        ExchangeError::Limited { after, .. } => Finding::problem(
            subject,
            error,
            format!("run the check again in {} seconds", whole_seconds(*after)),
        ),
        ExchangeError::Unavailable(_)
        | ExchangeError::UnknownSymbol(_)
        | ExchangeError::Refused(_) => Finding::problem(
            subject,
            plain_cause(&error.to_string()),
            "see that this machine reaches the exchange, then run the check again",
        ),
    }
}

/// A key that is judged.
struct Key<'a> {
    subject: &'a str,
    environment: Environment,
    purpose: Purpose,
    shared: bool,
}

fn judge_permissions(
    key: &Key<'_>,
    permissions: &KeyPermissions,
    now: ExchangeTime,
) -> Vec<Finding> {
    let (subject, page) = (key.subject, key_page(Some(key.environment)));
    let mut findings = Vec::new();
    if permissions.withdrawals {
        findings.push(Finding::problem(
            subject,
            "it may withdraw: such a key is refused, as Gridkeeper never needs it",
            format!("switch off \"Enable Withdrawals\" for this key {page}, or make another"),
        ));
    }
    if !permissions.reading {
        findings.push(Finding::problem(
            subject,
            "it may not read orders and balances",
            "switch on \"Enable Reading\" for this key",
        ));
    }
    match key.purpose {
        Purpose::Trade => findings.extend(judge_trading(key, permissions, now)),
        Purpose::Stream if permissions.trading && !key.shared => findings.push(Finding::warning(
            subject,
            "it may trade, though it only reads the stream",
            "switch off \"Enable Spot & Margin Trading\" for it, so that less can go wrong",
        )),
        Purpose::Stream => {}
    }
    findings
}

fn judge_trading(key: &Key<'_>, permissions: &KeyPermissions, now: ExchangeTime) -> Vec<Finding> {
    let subject = key.subject;
    if !permissions.trading {
        return vec![Finding::problem(
            subject,
            "it may not trade",
            "switch on \"Enable Spot & Margin Trading\" for this key, or give another with `gridkeeper account rotate`",
        )];
    }
    let page = key_page(Some(key.environment));
    let keep = format!(
        "list this machine's address for the key {page}: a key without listed addresses loses the permission"
    );
    match permissions.trading_expires_at {
        Some(at) if at <= now => vec![Finding::problem(
            subject,
            format!("it lost its permission to trade on {}", when_there(at)),
            "enable trading again for the key, and list this machine's address so that it stays",
        )],
        Some(at) if at.since(now) < SOON => vec![Finding::warning(
            subject,
            format!("it loses its permission to trade on {}", when_there(at)),
            keep,
        )],
        Some(at) => vec![Finding::ok(
            subject,
            format!(
                "it may trade until {}, then it loses the permission",
                when_there(at)
            ),
        )],
        None if permissions.ip_restricted => vec![Finding::ok(
            subject,
            "it may trade, from listed addresses only, without an end",
        )],
        // There is no list of addresses, and no money.
        None if key.environment == Environment::Simulated => {
            vec![Finding::ok(subject, "it may trade")]
        }
        None => vec![Finding::warning(
            subject,
            "it may trade from any address",
            keep,
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Grade, worst};
    use super::*;

    const NOW: ExchangeTime = ExchangeTime::from_millis(1_790_000_000_000);

    fn good() -> KeyPermissions {
        KeyPermissions {
            reading: true,
            trading: true,
            withdrawals: false,
            ip_restricted: true,
            trading_expires_at: None,
        }
    }

    fn grade(purpose: Purpose, shared: bool, permissions: &KeyPermissions) -> (Grade, String) {
        let key = Key {
            subject: "key",
            environment: Environment::Production,
            purpose,
            shared,
        };
        let findings = judge_permissions(&key, permissions, NOW);
        let text = findings
            .iter()
            .map(|finding| finding.text.clone())
            .collect();
        (worst(&findings), text)
    }

    #[test]
    fn a_key_that_may_withdraw_is_a_problem_for_either_purpose() {
        let key = KeyPermissions {
            withdrawals: true,
            ..good()
        };
        for purpose in [Purpose::Stream, Purpose::Trade] {
            let (grade, text) = grade(purpose, true, &key);
            assert!(
                grade == Grade::Problem && text.contains("withdraw"),
                "{text}"
            );
        }
    }

    #[test]
    fn names_the_date_a_key_loses_its_trade_permission() {
        let day = std::time::Duration::from_secs(24 * 3600);
        for (at, expected, word) in [
            (
                NOW.before(day),
                Grade::Problem,
                "lost its permission to trade on 2026-09-20",
            ),
            (
                NOW.after(day),
                Grade::Warning,
                "loses its permission to trade on 2026-09-22",
            ),
            (NOW.after(day * 20), Grade::Ok, "may trade until 2026-10-11"),
        ] {
            let key = KeyPermissions {
                trading_expires_at: Some(at),
                ip_restricted: false,
                ..good()
            };
            let (grade, text) = grade(Purpose::Trade, false, &key);
            assert_eq!(grade, expected, "{text}");
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn advice_fits_the_exchange() {
        let open = KeyPermissions {
            ip_restricted: false,
            ..good()
        };
        for (environment, expected, page) in [
            (
                Environment::Production,
                Grade::Warning,
                "Binance's API management page",
            ),
            (
                Environment::Testnet,
                Grade::Warning,
                "Binance's test network",
            ),
            (Environment::Simulated, Grade::Ok, ""),
        ] {
            let key = Key {
                subject: "key",
                environment,
                purpose: Purpose::Trade,
                shared: false,
            };
            let findings = judge_permissions(&key, &open, NOW);
            assert_eq!(worst(&findings), expected, "{findings:?}");
            let remedy = findings[0].remedy.clone().unwrap_or_default();
            assert!(remedy.contains(page), "{remedy}");
        }
    }

    #[test]
    fn each_purpose_needs_its_own_permissions() {
        let reading = KeyPermissions {
            trading: false,
            ..good()
        };
        assert_eq!(grade(Purpose::Stream, false, &reading).0, Grade::Ok);
        assert_eq!(grade(Purpose::Trade, false, &reading).0, Grade::Problem);
        assert_eq!(grade(Purpose::Trade, false, &good()).0, Grade::Ok);
        assert_eq!(grade(Purpose::Stream, true, &good()).0, Grade::Ok);
        assert_eq!(grade(Purpose::Stream, false, &good()).0, Grade::Warning);
        let blind = KeyPermissions {
            reading: false,
            ..good()
        };
        assert_eq!(grade(Purpose::Stream, true, &blind).0, Grade::Problem);
    }
}
