//! Playing the demo from the empty stage to the audited end.

use std::convert::Infallible;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{
    Bot, BotId, DesiredStatus, Level, LevelIndex, LocalTime, ObservedStatus, OrderState,
    SymbolRules,
};
use exchange_simulator::audit::LadderSlot;
use rand::{Rng, SeedableRng};
use trading::{
    AccountRecord, AccountStore, BotStore, Breaker, Clock, Environment, LEASE, LevelStore,
    StreamState, TradeKeyStore,
};

use super::excuse::{excuse, slot_of};
use super::report::{Evidence, Report, ledger_equals, reason};
use super::stage::{DemoAccount, Stage};
use super::watch::watch;
use super::{DemoArgs, ReportForm, say};
use crate::clock::SystemClock;
use crate::dashboard::{Dashboard, Kind, Source};
use crate::environs::Environs;
use crate::failure::{Exit, Failure, Outcome};
use crate::home::Home;
use crate::keys::Purpose;
use crate::node::{Node, NodeConfig};
use crate::progress::Progress;

/// How often recovery looks at a bot of the demo: the simulated exchange has weight to spare.
const RECOVERY_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// How many recovery runs the first grid may take.
const RUNS_TO_LAY: usize = 30;

/// How often the progress of the first grid is looked at.
const LOOK_AT_LAYING: std::time::Duration = std::time::Duration::from_millis(250);

/// Runs the demo and prints what came of it, keeping its records in `data` or in a temporary folder
/// that is removed at the end. The answer is no when the promise did not hold.
///
/// # Errors
/// [`Failure`] when the demo cannot be set up or played to its end.
pub async fn run(args: &DemoArgs, data: Option<&Path>, out: &mut dyn Write) -> Outcome {
    let stage = Stage::set(args).await?;
    let folder = Folder::of(data);
    let environs = Environs {
        rest: Some(stage.simulator.rest_url()),
        web_socket: Some(stage.simulator.ws_url()),
        ..Environs::default()
    };
    let home = Arc::new(Home::own(&folder.path, &environs).await?.attended());
    say(
        out,
        &format!("simulated exchange at {}", stage.simulator.rest_url()),
    );
    say(out, &format!("data folder {}", folder.path.display()));
    let played = play(args, &stage, &home, out).await;
    stage.simulator.shutdown().await;
    drop(home);
    folder.tidy();
    let report = played?;
    match args.report {
        Some(ReportForm::Json) => {
            let json = serde_json::to_string(&report).map_err(Failure::refused)?;
            say(out, &report.node.to_string());
            say(out, &json);
        }
        None => say(out, &report.text()),
    }
    Ok(if report.is_clean() {
        Exit::Yes
    } else {
        Exit::No
    })
}

async fn play(
    args: &DemoArgs,
    stage: &Stage,
    home: &Arc<Home>,
    out: &mut dyn Write,
) -> Result<Report, Failure> {
    let mut random = rand::rngs::SmallRng::from_os_rng();
    for account in &stage.accounts {
        add_account(home, account).await?;
    }
    let mut config = NodeConfig::new(&mut random);
    config.ws_url = Some(stage.simulator.ws_url());
    config.recovery_every = Some(RECOVERY_EVERY);
    let node = Node::start(home, config).await?;
    let dashboard = open_dashboard(args, home, &node).await;
    let played = match dashboard {
        Err(failure) => Err(failure),
        Ok(dashboard) => {
            let url = dashboard
                .as_ref()
                .map(|dashboard| dashboard.url().to_owned());
            if let Some(url) = &url {
                say(out, &format!("dashboard: {url}"));
            }
            let played = tokio::select! {
                played = Box::pin(perform(args, stage, home, &node, (url, out))) => played,
                failure = node.ended() => Err(failure),
            };
            if let Some(dashboard) = dashboard {
                dashboard.stop().await;
            }
            played
        }
    };
    node.stop().await;
    played
}

/// The page that shows the run. In a folder that is kept, it is found where it was the last time.
async fn open_dashboard(
    args: &DemoArgs,
    home: &Arc<Home>,
    node: &Node,
) -> Result<Option<Dashboard>, Failure> {
    let folder = home.opened().map(|opened| opened.path.as_path());
    let (source, doings) = (Source::Held(Arc::clone(home)), node.doings());
    Dashboard::open(Kind::Demo, args.dashboard, folder, source, Some(doings)).await
}

/// The run itself, over a node at work.
async fn perform(
    args: &DemoArgs,
    stage: &Stage,
    home: &Home,
    node: &Node,
    (dashboard, out): (Option<String>, &mut dyn Write),
) -> Result<Report, Failure> {
    let mut random = rand::rngs::SmallRng::from_os_rng();
    let rules = create_bots(args, stage, home, &mut random).await?;
    let laid = Box::pin(lay(home, node)).await?;
    say(
        out,
        &format!("first grid: {laid} levels have their order; prices start"),
    );
    stage.begin(args.faults)?;
    tokio::select! {
        watched = watch(args, stage, home, node, &rules, (dashboard, out)) => watched?,
        () = excuse(args, stage, home, node) => {}
    }
    outlast_leases(home, node).await?;
    // Faults are over and the exchange is quiet: within two runs of recovery nothing may be owed.
    node.recover_all().await?;
    node.recover_all().await?;
    judge(args, stage, home, node, &rules).await
}

/// An attempt whose fate nobody knows keeps everybody from its level until its lease is over. Prices do not wait
/// for a level that had a reason before, so that such a lease may outlast them.
async fn outlast_leases(home: &Home, node: &Node) -> Result<(), Failure> {
    let is_pending = |level: &Level| {
        let state = level.order.as_ref().map(|order| &order.state);
        matches!(state, Some(OrderState::Pending { .. }))
    };
    let end = tokio::time::Instant::now() + LEASE + RECOVERY_EVERY * 2;
    while tokio::time::Instant::now() < end && all_levels(home).await?.iter().any(is_pending) {
        tokio::time::sleep(RECOVERY_EVERY).await;
        node.recover_all().await?;
    }
    Ok(())
}

async fn add_account(home: &Home, account: &DemoAccount) -> Result<(), Failure> {
    let secret = secrecy::SecretString::from(account.secret.clone());
    let seal = |purpose| {
        home.vault()
            .seal(&account.id, purpose, (&account.api_key, "hmac"), &secret)
    };
    let trade_key = seal(Purpose::Trade).await?;
    let record = AccountRecord {
        id: account.id.clone(),
        environment: Environment::Simulated,
        stream_key: seal(Purpose::Stream).await?,
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: SystemClock.now(),
        version: 1,
    };
    if home.store().account(&account.id).await?.is_none() {
        home.store().create_account(&record).await?;
    }
    home.store().put_trade_key(&account.id, &trade_key).await?;
    Ok(())
}

/// Creates one running bot on each account.
async fn create_bots(
    args: &DemoArgs,
    stage: &Stage,
    home: &Home,
    random: &mut impl Rng,
) -> Result<SymbolRules, Failure> {
    let symbol = stage
        .simulator
        .stats()
        .symbol
        .parse()
        .map_err(Failure::bad_input)?;
    let address = home.exchanges().address(Environment::Simulated)?;
    let rules = address.rules(&symbol).await?;
    let prices = address.best_prices(&symbol).await?;
    let plan = stage.plan(args, &rules)?;
    let ladder = plan.ladder(&rules, Some(prices)).map_err(|error| {
        Failure::bad_input(error)
            .at("the demo's grid")
            .mend("use fewer --levels or a larger --quantity")
    })?;
    stage.fund(&rules, &plan, ladder.rungs.len());
    for account in &stage.accounts {
        let now = SystemClock.now();
        let id = bot_id(random)?;
        let bot = Bot {
            id: id.clone(),
            account: account.id.clone(),
            plan: plan.clone(),
            rules: rules.clone(),
            rules_read_at: Some(now),
            rules_doubted: false,
            sold_out: false,
            levels: u16::try_from(ladder.rungs.len()).map_err(Failure::bad_input)?,
            desired: DesiredStatus::Running,
            observed: ObservedStatus::Ready,
            created_at: now,
            recovered_at: None,
            version: 1,
        };
        let levels = levels(&id, &ladder.rungs, now)?;
        home.store().create_bot(&bot, &levels).await?;
    }
    Ok(rules)
}

fn levels(bot: &BotId, rungs: &[domain::Rung], now: LocalTime) -> Result<Vec<Level>, Failure> {
    rungs
        .iter()
        .enumerate()
        .map(|(at, rung)| {
            let index = LevelIndex(u16::try_from(at).map_err(Failure::bad_input)?);
            Ok(Level::new(bot.clone(), index, rung, now))
        })
        .collect()
}

fn bot_id(random: &mut impl Rng) -> Result<BotId, Failure> {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let token: String = (0..10)
        .filter_map(|_| LETTERS.get(random.random_range(0..LETTERS.len())))
        .map(|letter| char::from(*letter))
        .collect();
    token.parse().map_err(Failure::refused)
}

/// Waits until every level has its first grid order, first inventory included.
async fn lay(home: &Home, node: &Node) -> Result<usize, Failure> {
    tokio::select! {
        laid = lay_all(home, node) => laid,
        shown = show_laying(home) => match shown? {},
    }
}

/// Shows how far the first grid has come, until this is dropped.
async fn show_laying(home: &Home) -> Result<Infallible, Failure> {
    let all = all_levels(home).await?.len();
    let progress = Progress::of("laying the first grid", "levels", all);
    loop {
        tokio::time::sleep(LOOK_AT_LAYING).await;
        let levels = all_levels(home).await?;
        progress.reached(levels.iter().filter(|level| is_laid(level)).count());
    }
}

/// Whether a level has its first grid order, first inventory included.
fn is_laid(level: &Level) -> bool {
    level.order.as_ref().is_some_and(|order| {
        order.state == OrderState::Open && order.intent.purpose != domain::Purpose::FirstInventory
    })
}

async fn lay_all(home: &Home, node: &Node) -> Result<usize, Failure> {
    for _ in 0..RUNS_TO_LAY {
        node.recover_all().await?;
        let levels = all_levels(home).await?;
        if levels.iter().all(is_laid) {
            return Ok(levels.len());
        }
    }
    Err(Failure::refused("the first grid was not laid")
        .at("the demo")
        .mend("run it again with GRIDKEEPER_LOG=info to see why"))
}

pub(crate) async fn all_levels(home: &Home) -> Result<Vec<Level>, Failure> {
    let mut levels = Vec::new();
    for bot in home.store().bots(None).await? {
        levels.extend(home.store().levels(&bot.id).await?);
    }
    Ok(levels)
}

/// Judges the run by the exchange's own history.
async fn judge(
    args: &DemoArgs,
    stage: &Stage,
    home: &Home,
    node: &Node,
    rules: &SymbolRules,
) -> Result<Report, Failure> {
    let levels = all_levels(home).await?;
    let mut fills = Vec::new();
    for bot in home.store().bots(None).await? {
        fills.extend(home.store().fills(&bot.id, None).await?);
    }
    let audit = stage.simulator.audit(&ladder(&levels, rules));
    Ok(Report::of(&Evidence {
        audit: &audit,
        stats: &stage.simulator.stats(),
        levels: &levels,
        ledger_equals_exchange: ledger_equals(&stage.simulator, &fills),
        fills: &fills,
        quote_asset: rules.quote.to_string(),
        seed: args.seed,
        node: node.tally(),
    }))
}

/// The grid as the exchange's audit takes it.
fn ladder(levels: &[Level], rules: &SymbolRules) -> Vec<LadderSlot> {
    let levels = levels.iter().map(|level| LadderSlot {
        slot: slot_of(&level.bot, level),
        symbol: rules.symbol.to_string(),
        buy_price: level.buy_price.decimal(),
        sell_price: level.sell_price.decimal(),
        quantity: level.quantity.decimal(),
        held_reason: reason(level),
        sold_off: false,
    });
    levels.collect()
}

/// The data folder of a run: the one asked for, or one that is removed at the end.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn of(data: Option<&Path>) -> Self {
        if let Some(path) = data {
            return Self {
                path: path.to_owned(),
                temporary: false,
            };
        }
        // Opening it creates it, for this user alone.
        let name = format!("gridkeeper-demo-{}", std::process::id());
        Self {
            path: std::env::temp_dir().join(name),
            temporary: true,
        }
    }

    fn tidy(&self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, folder = %self.path.display(), "temporary folder not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use domain::{ExchangeTime, Intent, Lease, OrderKind, Purpose as Why, Side, owe};

    use super::*;
    use crate::cli::{Cli, Command};

    #[tokio::test]
    async fn a_run_is_not_judged_before_a_lease_that_was_left_is_over() {
        let Command::Demo(args) = Cli::parse_from(["gridkeeper", "demo", "--levels", "2"]).command
        else {
            panic!("another command");
        };
        let stage = Stage::set(&args).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let environs = Environs {
            rest: Some(stage.simulator.rest_url()),
            web_socket: Some(stage.simulator.ws_url()),
            ..Environs::default()
        };
        let home = Home::own(dir.path(), &environs).await.unwrap();
        for account in &stage.accounts {
            add_account(&home, account).await.unwrap();
        }
        let mut random = rand::rngs::SmallRng::seed_from_u64(1);
        create_bots(&args, &stage, &home, &mut random)
            .await
            .unwrap();
        let level = all_levels(&home).await.unwrap().remove(0);
        // The request of an attempt that has another second was lost.
        let start = ExchangeTime::from_millis(SystemClock.now().as_millis() - 29_000);
        let lease = Lease {
            attempt: 1,
            first_start: start,
            start,
            until: start.after(LEASE),
            unknown: false,
        };
        let intent = Intent {
            side: Side::Buy,
            price: level.buy_price,
            quantity: level.quantity,
            kind: OrderKind::Limit,
            purpose: Why::Grid,
        };
        let mut owing = owe(&level, intent, OrderState::Pending { lease }, false);
        owing.version = level.version + 1;
        home.store()
            .claim_intent(level.version, &owing)
            .await
            .unwrap();
        let mut config = NodeConfig::new(&mut random);
        config.ws_url = Some(stage.simulator.ws_url());
        config.recovery_every = Some(RECOVERY_EVERY);
        let node = Node::start(&home, config).await.unwrap();
        outlast_leases(&home, &node).await.unwrap();
        let after = all_levels(&home).await.unwrap().remove(0);
        let order = after.order.unwrap();
        assert_eq!(order.no, owing.order.unwrap().no);
        assert_eq!(order.state, OrderState::Open);
        node.stop().await;
        stage.simulator.shutdown().await;
    }
}
