//! Changes as they happen, by server-sent events: first everything, then what changes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use domain::BotId;
use futures_util::stream::unfold;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;
use trading::Clock as _;

use super::api;
use super::hub::{Hub, Told, Visit};
use crate::clock::SystemClock;

/// How often a line is sent though nothing changes, so that a page knows that it is still connected.
const ALIVE_EVERY: Duration = Duration::from_secs(10);

/// How long a page waits before it connects again.
const RETRY: Duration = Duration::from_secs(1);

/// One page's stream.
struct Listener {
    visit: Visit,
    changes: Receiver<Told>,
    waiting: VecDeque<Event>,
    stop: CancellationToken,
}

/// Everything, and then what changes, until the page leaves or the process ends.
pub(super) fn stream(hub: &Arc<Hub>, bot: Option<BotId>, stop: CancellationToken) -> Response {
    let visit = hub.visit(bot);
    let (changes, waiting) = snapshot(&visit);
    let listener = Listener {
        visit,
        changes,
        waiting,
        stop,
    };
    let events = unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(ALIVE_EVERY))
        .into_response()
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let told = tokio::select! {
                () = self.stop.cancelled() => return None,
                told = self.changes.recv() => told,
            };
            match told {
                Ok(told) if told.bot.is_none() || told.bot.as_ref() == self.visit.bot() => {
                    return Some(event(told.name, &told.data));
                }
                Ok(_) => {}
                // It fell behind: what it missed is in what is shown now.
                Err(RecvError::Lagged(_)) => {
                    (self.changes, self.waiting) = snapshot(&self.visit);
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// All that is shown, and a place among the listeners from just then on.
fn snapshot(visit: &Visit) -> (Receiver<Told>, VecDeque<Event>) {
    let hub = visit.hub();
    let shown = hub.shown();
    let changes = hub.listen();
    let mut events = VecDeque::new();
    let overview = shown.overview(SystemClock.now());
    events.extend(overview.map(|data| event("overview", &data)));
    if let Some(bot) = visit.bot() {
        events.extend(shown.page(bot).map(|data| event("bot", &data)));
        if shown.gone.contains(bot) {
            let data = super::hub::json(&serde_json::json!({ "bot": bot }));
            events.push_back(event("gone", &data));
        }
    }
    if let Some(failure) = &shown.trouble {
        events.push_back(event("trouble", &super::hub::json(&api::told(failure))));
    }
    (changes, events)
}

fn event(name: &str, data: &str) -> Event {
    Event::default().event(name).data(data).retry(RETRY)
}
