//! What both audits say.
//!
//! Start at [`judge`]: the exchange's audit knows nothing but its own history and the ladder it is given; `gridkeeper
//! audit` judges ledger, levels and that history together.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use crate::bots::Fleet;
use crate::calm::Without;
use crate::market::SYMBOL;
use crate::stage::Stage;

/// What the audits found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verdict {
    /// Trades of the bots' orders, by the exchange.
    pub fills: u64,
    /// Entries of the ledger.
    pub ledger_entries: u64,
    /// Entries by how the trade was learnt of.
    pub learnt_from: BTreeMap<String, u64>,
    /// Orders that were completed.
    pub completed_orders: u64,
    /// Orders that followed one of those on the other side.
    pub opposite_orders: u64,
    /// Completed orders that nothing followed, without a reason.
    pub missing: u64,
    /// Orders too many.
    pub duplicates: u64,
    /// Levels with an open order.
    pub levels_with_order: u64,
    /// Levels without one, and why.
    pub levels_without: BTreeMap<String, String>,
    /// What was wrong; nothing in a good run.
    pub findings: Vec<String>,
}

/// Asks both audits.
pub(crate) async fn judge(
    stage: &Stage,
    fleet: &Fleet,
    without: Without,
) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut ladder = Vec::new();
    for bot in fleet.all() {
        let mut shown = stage.json(&["bot", "show", bot]).await?;
        let sold_off = stage.may_be_sold_off(bot);
        let levels = shown["levels"].take();
        for level in levels.as_array().context("a bot without levels")? {
            let slot = format!("gk-{bot}-{}", level["index"]);
            let mut entry = json!({
                "slot": slot,
                "symbol": SYMBOL,
                "buyPrice": level["buy_price"],
                "sellPrice": level["sell_price"],
                "quantity": level["quantity"],
                "soldOff": sold_off,
            });
            match without.get(&slot) {
                Some(reason) => entry["heldReason"] = json!(reason),
                None => verdict.levels_with_order += 1,
            }
            ladder.push(entry);
        }
        let fills = stage.json(&["fills", bot]).await?;
        for fill in fills.as_array().context("a ledger that is no list")? {
            let source = fill["source"].as_str().unwrap_or("nowhere");
            *verdict.learnt_from.entry(source.to_owned()).or_default() += 1;
            verdict.ledger_entries += 1;
        }
    }
    verdict.levels_without = without;
    let audit = stage.exchange.post("audit", &ladder.into()).await?;
    verdict.read(&audit)?;
    verdict.add_own_audit(stage, &["audit", "--json"]).await?;
    Ok(verdict)
}

impl Verdict {
    /// Takes the exchange's audit over.
    fn read(&mut self, audit: &Value) -> anyhow::Result<()> {
        let number = |name: &str| {
            let number = audit[name].as_u64();
            number.with_context(|| format!("the exchange's audit has no {name}"))
        };
        self.fills = number("fills")?;
        self.completed_orders = number("completedOrders")?;
        self.missing = number("missing")?;
        self.duplicates = number("duplicates")?;
        let levels = audit["levels"].as_array().context("an audit of nothing")?;
        let opposite = levels
            .iter()
            .filter_map(|level| level["oppositeOrders"].as_u64());
        self.opposite_orders = opposite.sum();
        for (name, what) in [
            ("violations", "a broken invariant"),
            ("unknownSlots", "orders of a level that no bot has"),
        ] {
            for found in audit[name].as_array().into_iter().flatten() {
                self.findings.push(format!("the exchange: {what}: {found}"));
            }
        }
        for (name, number) in [("missing", self.missing), ("duplicates", self.duplicates)] {
            if number > 0 {
                let found = levels.iter().filter(|level| level[name].as_u64() > Some(0));
                let found: Vec<String> = found.map(Value::to_string).collect();
                self.findings
                    .push(format!("the exchange: {number} {name}: {found:?}"));
            }
        }
        if self.fills != self.ledger_entries {
            self.findings.push(format!(
                "the ledger has {} entries, the exchange {} trades",
                self.ledger_entries, self.fills
            ));
        }
        Ok(())
    }

    /// The full audit by the command, of every bot or of one.
    pub(crate) async fn add_own_audit(
        &mut self,
        stage: &Stage,
        command: &[&str],
    ) -> anyhow::Result<()> {
        let ended = stage.run(command).await?;
        ensure!(
            matches!(ended.code, Some(0 | 1)),
            "gridkeeper audit: {ended:?}"
        );
        let audits: Value = serde_json::from_str(&ended.text)
            .with_context(|| format!("gridkeeper audit: {ended:?}"))?;
        for audit in audits.as_array().context("an audit that is no list")? {
            if audit["clean"] != true {
                self.findings.push(format!(
                    "gridkeeper audit: bot {}: {} {}",
                    audit["bot"], audit["violations"], audit["unreadable"]
                ));
            }
        }
        if ended.code != Some(0) && self.findings.is_empty() {
            self.findings
                .push(format!("gridkeeper audit says no: {}", ended.errors));
        }
        Ok(())
    }

    /// Whether both audits are clean.
    pub(crate) const fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}
