//! Watching a run: the screen on a terminal, a plain line now and then elsewhere.

use std::io::Write;
use std::time::Duration;

use domain::SymbolRules;
use exchange_simulator::Control;
use ratatui::crossterm::event::KeyCode;
use tokio::sync::broadcast::Receiver;
use tokio::time::Instant;

use super::play::all_levels;
use super::report::Latency;
use super::screen::draw;
use super::snapshot::{Snapshot, Totals};
use super::stage::Stage;
use super::{DemoArgs, say};
use crate::failure::Failure;
use crate::home::Home;
use crate::node::{Happening, Node};
use crate::tui::{Screen, ends};

/// How long a run lasts that was given no end of its own.
const ORDINARY_LENGTH: Duration = Duration::from_secs(120);

/// How often the screen is drawn.
const FRAME: Duration = Duration::from_millis(250);

/// How often a line is printed without a screen.
const LINE: Duration = Duration::from_secs(5);

/// How long the end may take: what is still owed after faults gets its chance.
const DRAIN: Duration = Duration::from_secs(90);

/// Shows the run until its prices end, its time is up, or somebody ends it; then lets it come to rest.
pub(crate) async fn watch(
    args: &DemoArgs,
    stage: &Stage,
    home: &Home,
    node: &Node,
    rules: &SymbolRules,
    (dashboard, out): (Option<String>, &mut dyn Write),
) -> Result<(), Failure> {
    let mut view = View::new(args, rules, node);
    view.snapshot.dashboard = dashboard;
    let started = Instant::now();
    let length = args
        .duration
        .or_else(|| args.tape.is_none().then_some(ORDINARY_LENGTH));
    let every = if view.screen.is_some() { FRAME } else { LINE };
    let mut frames = tokio::time::interval(every);
    let finished = stage.simulator.wait_finished();
    tokio::pin!(finished);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            ended = &mut finished => {
                ended.map_err(|error| Failure::refused(error).at("the simulated exchange"))?;
                return Ok(());
            }
            _ = &mut interrupted => break,
            _ = frames.tick() => {
                view.refresh(stage, home, started.elapsed()).await?;
                view.show(out)?;
                if view.asked_to_end()? || length.is_some_and(|length| started.elapsed() >= length) {
                    break;
                }
            }
        }
    }
    drop(view);
    stage
        .simulator
        .control(Control::Finish)
        .map_err(|error| Failure::refused(error).at("the simulated exchange"))?;
    say(
        out,
        "the run ends: faults stop, what is owed gets its order",
    );
    match tokio::time::timeout(DRAIN, finished).await {
        Ok(ended) => ended.map_err(|error| Failure::refused(error).at("the simulated exchange")),
        // The audit says what was left.
        Err(_elapsed) => Ok(()),
    }
}

struct View {
    snapshot: Snapshot,
    flow: Receiver<Happening>,
    screen: Option<Screen>,
}

impl View {
    fn new(args: &DemoArgs, rules: &SymbolRules, node: &Node) -> Self {
        let snapshot = Snapshot {
            symbol: rules.symbol.to_string(),
            quote: rules.quote.to_string(),
            bots: usize::from(args.bots),
            phase: format!("faults {}", args.faults.name()),
            ..Snapshot::default()
        };
        Self {
            snapshot,
            flow: node.flow().listen(),
            screen: (!args.headless).then(Screen::open).flatten(),
        }
    }

    async fn refresh(
        &mut self,
        stage: &Stage,
        home: &Home,
        elapsed: Duration,
    ) -> Result<(), Failure> {
        let stats = stage.simulator.stats();
        while let Ok(happening) = self.flow.try_recv() {
            self.snapshot.push(happening);
        }
        if let Some(price) = stats
            .last_price
            .and_then(|price| domain::Price::new(price).ok())
        {
            self.snapshot.push_price(price);
        }
        let levels = all_levels(home).await?;
        self.snapshot.totals = Totals::of(&levels, self.snapshot.price);
        self.snapshot.totals.booked = stats.counts.trades;
        let first = levels.first().map(|level| level.bot.clone());
        self.snapshot.levels = levels
            .into_iter()
            .filter(|level| Some(&level.bot) == first.as_ref())
            .collect();
        self.snapshot.elapsed = elapsed;
        self.snapshot.faults = stats.faults.values().sum();
        self.snapshot.reaction_p50_ms = Latency::of(&stats.reaction_us).p50;
        Ok(())
    }

    fn show(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        let snapshot = &self.snapshot;
        match &mut self.screen {
            Some(screen) => screen.draw(|frame| draw(frame, snapshot)),
            None => {
                say(out, &line(snapshot));
                Ok(())
            }
        }
    }

    /// Whether somebody pressed the key that ends the run.
    fn asked_to_end(&self) -> Result<bool, Failure> {
        let Some(screen) = &self.screen else {
            return Ok(false);
        };
        let keys = screen.keys()?;
        Ok(keys.iter().any(|key| ends(key) || key.code == KeyCode::Esc))
    }
}

/// The run in one line.
fn line(snapshot: &Snapshot) -> String {
    let totals = &snapshot.totals;
    format!(
        "{:>4} s  {} {}  fills {}  round trips {}  realized {} {}  levels with order {}/{}  faults {}",
        snapshot.elapsed.as_secs(),
        snapshot.symbol,
        snapshot
            .price
            .map_or_else(|| "-".to_owned(), |price| price.to_string()),
        totals.booked,
        totals.round_trips,
        totals.realized.decimal().round_dp(8).normalize(),
        snapshot.quote,
        totals.open,
        totals.levels,
        snapshot.faults,
    )
}
