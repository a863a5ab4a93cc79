//! Whether a bridge does what it is there for, and in words why not.
//!
//! Entry points: [`judge`], [`Health::to_json`]. Pure.

use std::time::Duration;

use bridge::{BridgeStatus, Listing};
use serde_json::{Value, json};
use trading::{HEARTBEAT_EVERY, StreamState};

/// For how long the loop may say nothing. It says how the bridge stands ten times a second.
const LOOP_SILENCE: Duration = Duration::from_secs(10);

/// How many accounts are named for one reason.
const NAMED: usize = 5;

/// How a bridge is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Health {
    /// Why it is not well; empty when it is.
    pub(crate) reasons: Vec<String>,
    /// What else somebody should know. It does not make the bridge unwell, for it cannot mend it.
    pub(crate) notes: Vec<String>,
    figures: Value,
}

impl Health {
    /// Whether it does what it is there for.
    pub(crate) fn is_well(&self) -> bool {
        self.reasons.is_empty()
    }

    /// As `/health` answers it.
    pub(crate) fn to_json(&self, name: &str) -> Value {
        let status = if self.is_well() { "ok" } else { "not well" };
        json!({
            "status": status,
            "bridge": name,
            "version": env!("CARGO_PKG_VERSION"),
            "reasons": self.reasons,
            "notes": self.notes,
            "figures": self.figures,
        })
    }
}

/// Judges a bridge by how it says it stands, and how long ago it said so; `None` before its first turn.
pub(crate) fn judge(status: Option<(&BridgeStatus, Duration)>) -> Health {
    let mut health = Health {
        reasons: Vec::new(),
        notes: Vec::new(),
        figures: Value::Null,
    };
    let Some((status, ago)) = status else {
        health
            .reasons
            .push("it starts: the table has not been found yet".to_owned());
        return health;
    };
    if ago > LOOP_SILENCE {
        let why = format!("its loop has stood still for {} s", ago.as_secs());
        health.reasons.push(why);
    }
    match &status.listing {
        Listing::Whole => {}
        Listing::NotYet => health
            .reasons
            .push("the accounts have not been listed yet".to_owned()),
        Listing::Partly(why) => health
            .notes
            .push(format!("some accounts cannot be read: {why}")),
        Listing::Failed(why) => health
            .reasons
            .push(format!("the accounts cannot be listed: {why}")),
    }
    let up = judge_streams(status, &mut health);
    if let Some(why) = &status.queue_error {
        let (waiting, one) = (status.buffered, status.buffered == 1);
        let messages = if one {
            "message waits"
        } else {
            "messages wait"
        };
        let why = format!("the queue does not take messages, {waiting} {messages}: {why}");
        health.reasons.push(why);
    }
    let late = HEARTBEAT_EVERY.saturating_mul(3);
    if let Some(age) = status.heartbeat_age.filter(|age| *age > late) {
        let note = format!("its last sign of life was written {} s ago", age.as_secs());
        health.notes.push(note);
    }
    health.figures = json!({
        "accounts": status.accounts.len(),
        "streams_up": up,
        "connections": status.connections,
        "buffered": status.buffered,
    });
    health
}

/// Judges the streams; how many are up.
fn judge_streams(status: &BridgeStatus, health: &mut Health) -> usize {
    let (mut down, mut refused) = (Vec::new(), Vec::new());
    for (id, account) in &status.accounts {
        let why = match &account.stream {
            StreamState::Subscribed { .. } => continue,
            StreamState::Down { why, .. } => why.as_str(),
            StreamState::Never => "never subscribed",
        };
        let list = if account.key_refused {
            &mut refused
        } else {
            &mut down
        };
        list.push(format!("{id}: {why}"));
    }
    let up = status
        .accounts
        .len()
        .saturating_sub(down.len().saturating_add(refused.len()));
    if !down.is_empty() {
        let why = format!("streams are down: {}", listed(&down));
        health.reasons.push(why);
    }
    if !refused.is_empty() {
        let why = format!("keys are refused: {}", listed(&refused));
        // One account's key is that account's trouble. If it is every account's, the bridge serves nobody, and may be
        // what is wrong, for instance its address.
        if up == 0 {
            health.reasons.push(why);
        } else {
            health.notes.push(why);
        }
    }
    up
}

fn listed(lines: &[String]) -> String {
    let named: Vec<&str> = lines.iter().take(NAMED).map(String::as_str).collect();
    let named = named.join("; ");
    match lines.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}

#[cfg(test)]
mod tests;
