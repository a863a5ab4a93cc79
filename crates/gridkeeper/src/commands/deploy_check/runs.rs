//! The last run of the schedule, and what it saw of the exchange from where the functions run.

use std::time::Duration;

use domain::LocalTime;
use dynamo_store::{ExchangeAnswer, ScheduleRun};
use trading::StoreError;

use super::super::Session;
use super::super::account::place;
use super::super::doctor::of_failure;
use super::super::finding::Finding;
use crate::home::Keeper;
use crate::table::ago;

const SUBJECT: &str = "recovery";

pub(super) async fn runs(session: &Session<'_>) -> Vec<Finding> {
    let told = session.home.store().schedule_run().await;
    judge(told, session.now())
}

fn judge(told: Result<Option<ScheduleRun>, StoreError>, now: LocalTime) -> Vec<Finding> {
    let run = match told {
        Ok(Some(run)) => run,
        Ok(None) => {
            return vec![Finding::problem(
                SUBJECT,
                "no run of the schedule has ended yet",
                "wait for two minutes after a first deployment; if it stays so, look at the log of the stack's function \
                 recover",
            )];
        }
        Err(error) => return vec![of_failure(SUBJECT, error.into())],
    };
    let mut findings = vec![age(&run, now)];
    if let Some(why) = &run.failed {
        let remedy = Keeper::Schedule.remedy();
        findings.push(Finding::problem(
            SUBJECT,
            format!("its last run: {why}"),
            remedy,
        ));
    }
    let ours = env!("CARGO_PKG_VERSION");
    if run.version != ours {
        findings.push(Finding::warning(
            SUBJECT,
            format!(
                "the functions are version {}, this command is {ours}",
                run.version
            ),
            "use the same version of both (docs/upgrade.md)",
        ));
    }
    findings.push(exchange(&run));
    findings
}

/// A run is late by the same time after which the alarm `RecoveryIsLate` tells of it.
const LATE: Duration = Duration::from_secs(300);

fn age(run: &ScheduleRun, now: LocalTime) -> Finding {
    let text = format!("the last run of the schedule ended {}", ago(run.at, now));
    if now.since(run.at) <= LATE {
        return Finding::ok(SUBJECT, text);
    }
    Finding::problem(
        SUBJECT,
        format!("{text}: nothing that is missed is found, unless your schedule is as slow as that"),
        "see that the schedule STACK-due-bots is enabled, and the log of the stack's function recover",
    )
}

/// What the exchange said to the functions.
fn exchange(run: &ScheduleRun) -> Finding {
    let subject = format!("exchange ({}) from the functions", place(run.exchange));
    let region = run.region.as_deref().unwrap_or("a region it did not tell");
    let from = match &run.address {
        Some(address) => format!("{region}, through the address named {address}"),
        None => format!("{region}, from addresses of Lambda's, which change"),
    };
    match &run.answered {
        ExchangeAnswer::LetIn { millis } => Finding::ok(
            subject,
            format!("it lets them in ({from}) and answers in {millis} ms"),
        ),
        ExchangeAnswer::RegionRefused { detail } => Finding::problem(
            subject,
            format!("it refuses their region ({from}): {detail}"),
            "deploy the stack in a region that the exchange serves, such as ap-northeast-1",
        ),
        ExchangeAnswer::AddressRefused { detail } => Finding::problem(
            subject,
            format!("it lets their address ask nothing now ({from}): {detail}"),
            "wait until that ends; if it comes back, run fewer bots, or give the functions an address of their own \
             (Egress=subnets)",
        ),
        ExchangeAnswer::Unreached { detail } => Finding::problem(
            subject,
            format!("they do not reach it ({from}): {detail}"),
            "see the exchange's status page; with Egress=subnets see the NAT, the routes and the security groups",
        ),
    }
}

#[cfg(test)]
mod tests {
    use trading::Environment;

    use super::super::super::finding::{Grade, worst};
    use super::*;

    const NOW: LocalTime = LocalTime::from_millis(1_790_000_000_000);

    fn run(seconds_ago: u64) -> ScheduleRun {
        ScheduleRun {
            at: NOW.before(Duration::from_secs(seconds_ago)),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            region: Some("ap-northeast-1".to_owned()),
            address: Some("nat".to_owned()),
            exchange: Environment::Testnet,
            answered: ExchangeAnswer::LetIn { millis: 7 },
            failed: None,
        }
    }

    fn told(run: ScheduleRun) -> Vec<Finding> {
        judge(Ok(Some(run)), NOW)
    }

    #[test]
    fn a_run_is_late_after_five_minutes_and_none_is_a_problem() {
        for (seconds, grade) in [(300, Grade::Ok), (301, Grade::Problem)] {
            let found = told(run(seconds));
            assert_eq!(worst(&found), grade, "{found:?}");
        }
        let never = judge(Ok(None), NOW);
        assert!(matches!(never.as_slice(), [only] if only.grade == Grade::Problem));
    }

    #[test]
    fn a_failed_run_and_another_version_are_told() {
        let mut failed = run(5);
        failed.failed = Some("2 due bots were not sent on".to_owned());
        assert!(
            told(failed).iter().any(|found| {
                found.grade == Grade::Problem && found.text.contains("2 due bots")
            })
        );
        let mut older = run(5);
        older.version = "0.0.9".to_owned();
        assert_eq!(worst(&told(older)), Grade::Warning);
    }

    #[test]
    fn what_the_exchange_said_to_the_functions_is_told_with_region_and_address() {
        let detail = || "HTTP 451".to_owned();
        for (answered, grade, words) in [
            (
                ExchangeAnswer::LetIn { millis: 7 },
                Grade::Ok,
                "answers in 7 ms",
            ),
            (
                ExchangeAnswer::RegionRefused { detail: detail() },
                Grade::Problem,
                "refuses their region (ap-northeast-1, through the address named nat): HTTP 451",
            ),
            (
                ExchangeAnswer::AddressRefused { detail: detail() },
                Grade::Problem,
                "lets their address ask nothing",
            ),
            (
                ExchangeAnswer::Unreached { detail: detail() },
                Grade::Problem,
                "do not reach it",
            ),
        ] {
            let mut run = run(5);
            run.answered = answered;
            let found = exchange(&run);
            assert_eq!(found.grade, grade, "{found:?}");
            assert!(found.text.contains(words), "{found:?}");
            assert_eq!(found.remedy.is_some(), grade != Grade::Ok);
        }
        let mut open = run(5);
        open.address = None;
        assert!(exchange(&open).text.contains("addresses of Lambda's"));
    }
}
