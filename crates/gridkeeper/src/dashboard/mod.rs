//! The operator's dashboard: a page on 127.0.0.1, or a terminal, that shows what the records say, as it changes.
//!
//! Where to start:
//! * `Dashboard::open` listens and starts the reader; `Dashboard::stop` ends both.
//! * `server` and `guard`: who may ask for what. `api`, `events` and `metrics`: what is answered.
//! * `reader`: reads records while somebody looks. `hub`: what is shown, and who is told of changes.
//! * `model`, `rows`, `watched`, `flow`: records in the words and sums of the commands.
//! * `page/`: the page itself, part of the program. `terminal`: the same on a terminal.
//!
//! Never judges: what is owed, why, and what comes next is said by `explain`'s words, `bot list`'s sums and the
//! ledger's own booking. Actions are the commands of the same names. Nothing here is on the road from a fill to
//! its order.

mod api;
mod at;
mod download;
mod events;
mod files;
mod flow;
mod guard;
mod hub;
mod latency;
mod metrics;
mod model;
mod prices;
mod reader;
mod rows;
#[cfg(test)]
mod sample;
mod server;
mod source;
mod terminal;
mod today;
mod token;
mod watched;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use at::DashboardAt;
pub(crate) use source::Source;
pub(crate) use terminal::watch;

use crate::failure::Failure;
use crate::node::Doings;
use hub::Hub;
use reader::Reader;
use server::Shared;
use token::Door;

/// What a dashboard is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A running `up`.
    Up,
    /// A running `demo`.
    Demo,
    /// `gridkeeper dashboard` over a data folder.
    Folder,
    /// `gridkeeper dashboard` over a deployment on AWS.
    Aws,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Demo => "demo",
            Self::Folder => "folder",
            Self::Aws => "aws",
        }
    }
}

/// A dashboard at work.
#[derive(Debug)]
pub(crate) struct Dashboard {
    url: String,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Dashboard {
    /// Listens, and shows what is kept at `source`. `folder` keeps token and port for the next time; `doings`
    /// are those of the process that trades, if this is it. `None` where it is off.
    ///
    /// # Errors
    /// [`Failure`] when nothing can be listened on, or the token cannot be kept.
    pub(crate) async fn open(
        kind: Kind,
        at: Option<DashboardAt>,
        folder: Option<&Path>,
        source: Source,
        doings: Option<Doings>,
    ) -> Result<Option<Self>, Failure> {
        let wanted = match at {
            Some(DashboardAt::Off) => return Ok(None),
            Some(DashboardAt::Address(address)) => Some(address),
            None => None,
        };
        let mut door = match folder {
            Some(folder) => Door::of_folder(folder)?,
            None => Door::for_once()?,
        };
        let (listener, address) = listen(wanted, &door).await?;
        if let Some(folder) = folder {
            door.keep_port(folder, address.port())?;
        }
        let (hub, source) = (Hub::new(), Arc::new(source));
        let stop = CancellationToken::new();
        let shared = Shared {
            hub: Arc::clone(&hub),
            source: Arc::clone(&source),
            doings: doings.clone(),
            stop: stop.clone(),
            address,
            token: door.token().clone(),
        };
        let flow = doings.map(|doings| doings.flow);
        let reader = Reader::new(hub, source, flow, kind.word());
        let mut tasks = JoinSet::new();
        tasks.spawn(reader.run(stop.clone()));
        tasks.spawn(async move {
            if let Err(error) = server::serve(listener, shared).await {
                tracing::error!(%error, "the dashboard ended");
            }
        });
        let token = door.token().as_str();
        Ok(Some(Self {
            url: format!("http://{address}/?token={token}"),
            stop,
            tasks,
        }))
    }

    /// The address that opens it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ends it; open pages are let go.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
            tracing::debug!("a request to the dashboard was cut off");
        }
    }
}

/// How long requests under way may take at the end.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(2);

/// Listens where it is wanted, or else where it was before, or anywhere.
async fn listen(
    wanted: Option<SocketAddr>,
    door: &Door,
) -> Result<(TcpListener, SocketAddr), Failure> {
    let addresses = wanted.map_or_else(|| door.addresses(), |address| vec![address]);
    let mut why = None;
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                let address = listener.local_addr().map_err(Failure::refused)?;
                return Ok((listener, address));
            }
            Err(error) => {
                why = Some(
                    Failure::bad_input(format!(
                        "the dashboard cannot listen on {address}: {error}"
                    ))
                    .at("--dashboard")
                    .mend("name another port, such as 127.0.0.1:0 for any free one, or `off`"),
                );
            }
        }
    }
    Err(why.unwrap_or_else(|| Failure::refused("the dashboard has nowhere to listen")))
}
