//! The queues and their dead letters.

use std::time::Duration;

use cloud::{DeadLetterQueue, QueueDepth, QueueKind};
use domain::LocalTime;

use super::super::finding::Finding;
use super::DEPLOY;
use crate::aws::Deployment;
use crate::table::{ago, count};

/// How many messages may wait before somebody should look: a minute's work of one call of the function.
const MANY: u64 = 1_000;

/// How many dead letters are looked at for their age, and for how long they are hidden from others meanwhile.
const LOOKED_AT: usize = 100;
const LOOK: Duration = Duration::from_secs(30);

pub(super) async fn queues(deployment: &Deployment, now: LocalTime) -> Vec<Finding> {
    let mut findings = Vec::new();
    match deployment.queues().await {
        Ok(queues) => {
            for kind in [QueueKind::Fills, QueueKind::Reconcile] {
                let depth = queues.depth(kind).await.map_err(|error| error.to_string());
                findings.push(waiting(kind, depth));
            }
        }
        Err(failure) => findings.push(Finding::problem("queues", failure.what, DEPLOY)),
    }
    let letters = match deployment.dead_letters().await {
        Ok(letters) => letters,
        Err(failure) => {
            findings.push(Finding::problem("dead letters", failure.what, DEPLOY));
            return findings;
        }
    };
    for queue in DeadLetterQueue::ALL {
        let subject = format!("dead letters ({})", word(queue));
        let looked = async {
            let depth = letters.depth(queue).await?;
            let seen = letters.take(queue, LOOKED_AT, LOOK).await?;
            letters.give_back(&seen).await?;
            let oldest = seen.iter().filter_map(|letter| letter.sent_at).min();
            Ok::<_, trading::QueueError>((depth, oldest))
        };
        findings.push(match looked.await {
            Ok((depth, oldest)) => dead(&subject, depth, oldest, now),
            Err(error) => Finding::problem(subject, error, DEPLOY),
        });
    }
    findings
}

const fn word(queue: DeadLetterQueue) -> &'static str {
    match queue {
        DeadLetterQueue::Fills => "reports",
        DeadLetterQueue::Reconcile => "comparisons",
        DeadLetterQueue::Schedule => "schedule",
    }
}

fn waiting(kind: QueueKind, depth: Result<QueueDepth, String>) -> Finding {
    let (subject, function) = match kind {
        QueueKind::Fills => ("queue (reports)", "handle-fill"),
        QueueKind::Reconcile => ("queue (comparisons)", "recover"),
    };
    let depth = match depth {
        Ok(depth) => depth,
        Err(error) => return Finding::problem(subject, error, DEPLOY),
    };
    let text = format!(
        "{} waiting, {} being handled, {} to come later",
        depth.waiting, depth.in_flight, depth.delayed
    );
    if depth.waiting < MANY {
        return Finding::ok(subject, text);
    }
    Finding::warning(
        subject,
        text,
        format!("see throttles and errors of the function {function} (docs/runbook.md, FillsWait)"),
    )
}

fn dead(subject: &str, depth: QueueDepth, oldest: Option<LocalTime>, now: LocalTime) -> Finding {
    let all = depth.waiting.saturating_add(depth.in_flight);
    if all == 0 {
        return Finding::ok(subject, "none");
    }
    let oldest = oldest.map_or_else(String::new, |at| {
        format!(", the oldest sent {}", ago(at, now))
    });
    Finding::warning(
        subject,
        format!("{}{oldest}", count(all, "letter")),
        "gridkeeper --aws dead-letters list",
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Grade;
    use super::*;

    const NOW: LocalTime = LocalTime::from_millis(1_790_000_000_000);

    #[test]
    fn dead_letters_are_counted_with_their_age_and_none_is_well() {
        let depth = |waiting, in_flight| QueueDepth {
            waiting,
            in_flight,
            delayed: 0,
        };
        assert_eq!(dead("d", depth(0, 0), None, NOW).grade, Grade::Ok);
        let day = NOW.before(Duration::from_secs(24 * 3600));
        let found = dead("d", depth(2, 1), Some(day), NOW);
        assert_eq!(found.grade, Grade::Warning);
        assert_eq!(found.text, "3 letters, the oldest sent 1 d ago");
        assert!(found.remedy.unwrap().contains("dead-letters list"));
    }

    #[test]
    fn a_queue_that_grows_or_does_not_answer_is_told() {
        let depth = |waiting| {
            Ok(QueueDepth {
                waiting,
                in_flight: 3,
                delayed: 0,
            })
        };
        assert_eq!(waiting(QueueKind::Fills, depth(MANY - 1)).grade, Grade::Ok);
        let many = waiting(QueueKind::Fills, depth(MANY));
        assert_eq!(many.grade, Grade::Warning);
        assert!(
            many.text.contains("1000 waiting, 3 being handled"),
            "{many:?}"
        );
        let away = waiting(QueueKind::Reconcile, Err("no such queue".to_owned()));
        assert_eq!(away.grade, Grade::Problem);
    }
}
