//! `gridkeeper --aws deploy-check`: is the deployment whole, does it run, and is it let in by the exchange?
//!
//! Start at [`deploy_check`]. Each part says what it found and how to mend it; what `doctor` looks at comes last. Changes
//! nothing.

mod queues;
mod runs;
mod table;

use trading::AccountStore as _;

use super::Session;
use super::doctor;
use super::finding::{Finding, Grade, worst};
use crate::failure::{Exit, Failure, Outcome};
use crate::home::Place;
use crate::table::ago;

/// How to mend most of what may be wrong with a stack.
const DEPLOY: &str =
    "deploy the stack again (docs/aws.md); if you may not look at it, you need its OperatorPolicy";

pub(super) async fn deploy_check(session: &mut Session<'_>) -> Outcome {
    let deployment = match session.home.place() {
        Place::Cloud(deployment) => deployment.clone(),
        // `carry_out` lets nobody come here without a deployment.
        Place::Folder(_) => return Err(Failure::bad_input("no deployment is named").at("--aws")),
    };
    let mut findings = table::table(session).await;
    findings.extend(queues::queues(&deployment, session.now()).await);
    findings.push(key(deployment.keys().probe().await));
    findings.extend(runs::runs(session).await);
    let looked = doctor::look(session).await;
    if !looked
        .iter()
        .any(|finding| finding.subject.starts_with("bridge"))
    {
        findings.push(bridge(session).await);
    }
    findings.extend(looked);
    doctor::tell(&findings, session.json, session.out)?;
    Ok(if worst(&findings) == Grade::Ok {
        Exit::Yes
    } else {
        Exit::No
    })
}

fn key(probed: Result<(), Failure>) -> Finding {
    match probed {
        Ok(()) => Finding::ok("key", "it seals secrets and opens them again"),
        Err(failure) => doctor::of_failure("key", failure),
    }
}

/// The bridges, where no bot that is started needs one yet.
async fn bridge(session: &Session<'_>) -> Finding {
    let now = session.now();
    let beats = match session.home.store().heartbeats().await {
        Ok(beats) => beats,
        Err(error) => return doctor::of_failure("bridge", error.into()),
    };
    let alive: Vec<String> = beats
        .iter()
        .filter(|beat| beat.is_fresh(now))
        .map(|beat| format!("{} ({})", beat.bridge, ago(beat.at, now)))
        .collect();
    if alive.is_empty() {
        return Finding::warning(
            "bridge",
            "none is alive: fills would be found by the schedule only, a minute or two late",
            "start one (docs/aws.md)",
        );
    }
    Finding::ok("bridge", format!("alive: {}", alive.join(", ")))
}
