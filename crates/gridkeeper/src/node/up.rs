//! `gridkeeper up`: the whole system in one process, against any exchange, until it is told to stop.

use std::convert::Infallible;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dynamo_store::{OpenedStore, bind_unix, serve_unix, socket_path};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use trading::{AccountStore, BotStore};

use super::loops::part_ended;
use super::{Node, NodeConfig, Tally};
use crate::cli::UpArgs;
use crate::dashboard::{Dashboard, DashboardAt, Kind, Source};
use crate::environs::Environs;
use crate::failure::{Exit, Failure, Outcome};
use crate::home::{Home, data_folder};
use crate::table::count_of;

/// How often the log says what the process has done: often enough to see a day's course in it.
const TELL_EVERY: Duration = Duration::from_secs(600);

/// Keeps all running bots of a data folder trading until a signal asks for the end.
///
/// # Errors
/// [`Failure`] when the data folder cannot be owned or read.
pub async fn up(
    args: &UpArgs,
    data: Option<&Path>,
    environs: &Environs,
    out: &mut dyn Write,
) -> Outcome {
    let folder = data_folder(data, environs)?;
    let home = Home::own_with(&folder, args.durability.into(), environs).await?;
    home.must_be_original().await?;
    let home = Arc::new(home.attended());
    let opened = home.opened().map(|opened| (opened, &opened.database));
    let Some((opened, OpenedStore::Owned(database))) = opened else {
        return Err(
            Failure::bad_input("the data folder belongs to another process").at(folder.display()),
        );
    };
    let stop = CancellationToken::new();
    let socket = socket_path(&opened.path);
    let listener = bind_unix(&socket).await.map_err(Failure::bad_input)?;
    let serving = serve_unix(listener, database.clone(), stop.clone().cancelled_owned());
    let mut config = NodeConfig::new(&mut SmallRng::from_os_rng());
    config.ws_url = environs.simulated()?.map(|endpoints| endpoints.web_socket);
    // Whoever reads that it is up may ask it to end at once.
    let asked = asked_to_stop();
    let node = Node::start(&home, config).await?;
    let dashboard = open_dashboard(args.dashboard, &home, &node).await;
    let dashboard = match dashboard {
        Err(failure) if args.dashboard.is_some() => {
            node.stop().await;
            return Err(failure);
        }
        opened => opened,
    };
    let accounts = home.store().accounts().await?.len();
    let bots = home.store().bot_ids(None).await?.len();
    let text = format!(
        "up: {}, {}, data folder {} ({}); stop with Ctrl-C",
        count_of(accounts, "account"),
        count_of(bots, "bot"),
        opened.path.display(),
        opened.durability()
    );
    tell(out, &text);
    if opened.is_open_to_others() {
        let folder = opened.path.display();
        let line = format!(
            "to know: the data folder is open to other users of this machine; `chmod 700 {folder}` closes it"
        );
        tell(out, &line);
    }
    tell_dashboard(out, &dashboard);
    tokio::pin!(serving);
    let outcome = tokio::select! {
        outcome = until_the_end(&mut serving, node.ended(), asked) => outcome,
        never = keep_telling(&node) => match never {},
    };
    if let Ok(Some(dashboard)) = dashboard {
        dashboard.stop().await;
    }
    let tally = node.stop().await;
    tell(out, &tally.for_the_operator());
    tell_log(&tally);
    stop.cancel();
    outcome
}

/// The dashboard of a running node. Trading does not depend on it.
async fn open_dashboard(
    at: Option<DashboardAt>,
    home: &Arc<Home>,
    node: &Node,
) -> Result<Option<Dashboard>, Failure> {
    let folder = home.opened().map(|opened| opened.path.as_path());
    let doings = Some(node.doings());
    Dashboard::open(Kind::Up, at, folder, Source::Held(Arc::clone(home)), doings).await
}

fn tell_dashboard(out: &mut dyn Write, dashboard: &Result<Option<Dashboard>, Failure>) {
    match dashboard {
        Ok(Some(dashboard)) => tell(out, &format!("dashboard: {}", dashboard.url())),
        Ok(None) => {}
        Err(failure) => tell(out, &format!("to know: there is no dashboard: {failure}")),
    }
}

/// Says now and then what the process has done.
async fn keep_telling(node: &Node) -> Infallible {
    loop {
        tokio::time::sleep(TELL_EVERY).await;
        tell_log(&node.tally());
    }
}

fn tell_log(tally: &Tally) {
    if tally.dead_letters.is_empty() {
        tracing::info!("{tally}");
    } else {
        // Something waits for the operator.
        tracing::warn!("{tally}");
    }
}

/// Writes a line. A closed pipe is no reason to stop trading.
fn tell(out: &mut dyn Write, line: &str) {
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::debug!(%error, "nobody reads the output");
    }
}

/// Waits until somebody asks for the end, or a part ends that nobody asked to.
async fn until_the_end(
    serving: impl Future<Output = ()>,
    ended: impl Future<Output = Failure>,
    asked: impl Future<Output = ()>,
) -> Outcome {
    tokio::select! {
        () = serving => Err(part_ended("the socket for other commands", "")),
        failure = ended => Err(failure),
        () = asked => Ok(Exit::Yes),
    }
}

/// Listens for Ctrl-C and SIGTERM from now on; the future ends with the first of them.
pub(crate) fn asked_to_stop() -> impl Future<Output = ()> {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async {
        tokio::select! {
            () = heard(interrupt) => {}
            () = heard(terminate) => {}
        }
    }
}

async fn heard(signal: io::Result<Signal>) {
    match signal {
        Ok(mut signal) => drop(signal.recv().await),
        Err(error) => {
            tracing::warn!(%error, "a signal is not listened to");
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn ends_well_only_when_asked_to() {
        let asked = until_the_end(pending(), pending(), ready(())).await;
        assert_eq!(asked, Ok(Exit::Yes));
        let died = part_ended("the bridge", "its link died");
        let ended = until_the_end(pending(), ready(died.clone()), pending()).await;
        assert_eq!(ended, Err(died));
        let unserved = until_the_end(ready(()), pending(), pending()).await;
        assert_eq!(unserved.unwrap_err().exit, Exit::No);
    }
}
