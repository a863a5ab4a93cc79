//! `gridkeeper audit`: the full audit of one bot or all.

use trading::{AccountStore as _, Exchanges as _};

use super::Session;
use super::seen::needs_up;
use crate::audit::{AuditError, full_audit};
use crate::cli::AuditArgs;
use crate::failure::{Exit, Failure, Outcome};

pub(super) async fn audit(session: &mut Session<'_>, args: &AuditArgs) -> Outcome {
    let (bots, mut failures) = match &args.bot {
        Some(id) => (vec![session.find_bot(id).await?], Vec::new()),
        None => session.bots().await?,
    };
    let exchanges = session.home.exchanges();
    let mut audits = Vec::new();
    for bot in bots {
        let audited = async {
            let account = session.home.store().account(&bot.account).await?;
            let account = account.ok_or_else(|| AuditError::NoBot(bot.id.clone()))?;
            let connection = exchanges.connect(&account).await?;
            let store = session.home.store();
            let mut audit = full_audit(store, &connection, &session.clock, &bot.id).await?;
            audit.unattended = session.home.is_unattended() && needs_up(&bot);
            Ok(audit)
        };
        match audited.await {
            Ok(audit) => audits.push(audit),
            // One bot that cannot be audited does not keep the others from it.
            Err(error) => failures.push(failure(error).at(format!("bot {}", bot.id))),
        }
    }
    let clean = audits.iter().all(|audit| audit.clean);
    if session.json {
        session.write_json(&audits)?;
    } else {
        for audit in &audits {
            audit.write(session.out)?;
        }
        if audits.is_empty() && failures.is_empty() {
            writeln!(session.out, "no bots to audit")?;
        }
    }
    let read = session.pass_on(failures)?;
    Ok(if clean { read } else { Exit::No })
}

fn failure(error: AuditError) -> Failure {
    match error {
        AuditError::NoBot(bot) => Failure::bad_input(format!("there is no bot {bot}")),
        AuditError::Store(error) => error.into(),
        AuditError::Exchange(error) => error.into(),
    }
}
