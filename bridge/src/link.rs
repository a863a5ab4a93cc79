//! The life of one connection as a task: open it, pass commands in and events out, say how it ended.

use std::sync::Arc;
use std::time::Duration;

use binance::Credentials;
use binance::stream::{Connection, ConnectionConfig, StreamError};
use domain::AccountId;
use tokio::sync::mpsc;
use trading::Clock;

use crate::{ConnectionId, Input};

/// How long to wait when the exchange refuses a connection for too much traffic without saying how
/// long: the shortest ban there is (rest-api.md, "IP Limits").
const PAUSE: Duration = Duration::from_secs(120);

/// What a connection is told. The end of commands means: close.
#[derive(Debug)]
pub(crate) enum Command {
    Subscribe {
        account: AccountId,
        credentials: Credentials,
    },
    Unsubscribe {
        account: AccountId,
    },
    Check,
}

/// Runs one connection to its end. Every connection that is not closed by the end of its commands
/// says [`Input::Lost`] last.
pub(crate) async fn run_link<C: Clock + 'static>(
    id: ConnectionId,
    config: ConnectionConfig,
    clock: Arc<C>,
    mut commands: mpsc::Receiver<Command>,
    inputs: mpsc::Sender<Input>,
) {
    let opening = Connection::open(config, move || clock.now());
    let ended = match opening.await {
        Ok(connection) => serve(id, connection, &mut commands, &inputs).await,
        Err(error) => Some(error),
    };
    if let Some(error) = ended {
        let lost = Input::Lost {
            connection: id,
            why: error.to_string(),
            retry_after: pause_wanted(&error),
        };
        tell(&inputs, lost).await;
    }
}

/// Serves an open connection until it is lost (and says why) or closed.
async fn serve(
    id: ConnectionId,
    mut connection: Connection,
    commands: &mut mpsc::Receiver<Command>,
    inputs: &mpsc::Sender<Input>,
) -> Option<StreamError> {
    tell(inputs, Input::Opened { connection: id }).await;
    loop {
        tokio::select! {
            command = commands.recv() => {
                let Some(command) = command else {
                    connection.close().await;
                    return None;
                };
                let done = match command {
                    Command::Subscribe { account, credentials } => {
                        connection.subscribe(&account, &credentials).await
                    }
                    Command::Unsubscribe { account } => connection.unsubscribe(&account).await,
                    Command::Check => connection.check().await,
                };
                if let Err(error) = done {
                    return Some(error);
                }
            }
            event = connection.next() => match event {
                Ok(event) => {
                    tell(inputs, Input::Stream { connection: id, event }).await;
                    // It may be a fill: what follows from it goes before the next frame is read.
                    tokio::task::yield_now().await;
                }
                Err(error) => return Some(error),
            }
        }
    }
}

/// A bridge that no longer listens has stopped; there is nobody left to tell.
async fn tell(inputs: &mpsc::Sender<Input>, input: Input) {
    if inputs.send(input).await.is_err() {
        tracing::debug!("the bridge has stopped");
    }
}

fn pause_wanted(error: &StreamError) -> Option<Duration> {
    match error {
        StreamError::Refused {
            status: 418 | 429,
            retry_after,
            ..
        } => Some(retry_after.unwrap_or(PAUSE)),
        StreamError::Refused { retry_after, .. } => *retry_after,
        StreamError::Timeout { .. }
        | StreamError::Connect { .. }
        | StreamError::Silent(_)
        | StreamError::Closed(_)
        | StreamError::Broken(_) => None,
    }
}
