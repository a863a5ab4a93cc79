//! What can be asked for: everything that is shown, one level with its story, and actions.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::{BotId, LevelIndex};
use serde::{Deserialize, Serialize};
use trading::{BotStore as _, Clock as _, LevelStore as _};

use super::hub::Visit;
use super::rows::{FillRow, LevelRow, TripRow};
use super::server::Shared;
use crate::clock::SystemClock;
use crate::commands::Desk;
use crate::commands::bot::{Wish, make_wish};
use crate::commands::explain::{Explained, Whole, explain_whole};
use crate::commands::recover::recover_now;
use crate::failure::{Exit, Failure};
use crate::ledger::{Replay, in_order_of_booking};

/// How long a first look at everything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why something could not be done, as the page is told.
#[derive(Debug, Serialize)]
pub(super) struct ToldFailure<'a> {
    error: &'a str,
    r#where: Option<&'a str>,
    mend: Option<&'a str>,
}

/// A failure as the page is told.
pub(super) fn told(failure: &Failure) -> ToldFailure<'_> {
    ToldFailure {
        error: &failure.what,
        r#where: failure.place.as_deref(),
        mend: failure.mend.as_deref(),
    }
}

/// An answer in JSON.
pub(super) fn json_text(status: StatusCode, text: impl Into<Body>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, text.into()).into_response()
}

fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    json_text(status, super::hub::json(value).as_bytes().to_vec())
}

/// That something could not be done.
pub(super) fn refuse(status: StatusCode, failure: &Failure) -> Response {
    json(status, &told(failure))
}

fn refuse_for(failure: &Failure) -> Response {
    let status = match failure.exit {
        Exit::BadInput => StatusCode::BAD_REQUEST,
        Exit::Yes | Exit::No => StatusCode::CONFLICT,
    };
    refuse(status, failure)
}

/// Asking for nothing that there is.
pub(super) fn no_such(what: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, &Failure::bad_input(what))
}

fn bot_id(text: &str) -> Result<BotId, Box<Response>> {
    text.parse::<BotId>().map_err(|error| {
        let failure = Failure::bad_input(format!("{text:?} is no bot's id: {error}"));
        Box::new(refuse(StatusCode::NOT_FOUND, &failure))
    })
}

/// What changes, as it happens.
#[derive(Debug, Deserialize)]
pub(super) struct Watch {
    bot: Option<String>,
}

/// `GET /api/events`.
pub(super) async fn events(State(shared): State<Shared>, Query(watch): Query<Watch>) -> Response {
    let bot = match watch.bot.filter(|bot| !bot.is_empty()) {
        None => None,
        Some(text) => match bot_id(&text) {
            Ok(bot) => Some(bot),
            Err(refusal) => return *refusal,
        },
    };
    super::events::stream(&shared.hub, bot, shared.stop.clone())
}

/// `GET /api/overview`.
pub(super) async fn overview(State(shared): State<Shared>) -> Response {
    let visit = shared.hub.visit(None);
    let found = wait_for(&visit, |shown| shown.overview(SystemClock.now())).await;
    found.map_or_else(
        |refusal| *refusal,
        |text| json_text(StatusCode::OK, text.as_bytes().to_vec()),
    )
}

/// `GET /api/bots/BOT`.
pub(super) async fn bot(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let id = match bot_id(&id) {
        Ok(id) => id,
        Err(refusal) => return *refusal,
    };
    let visit = shared.hub.visit(Some(id.clone()));
    let found = wait_for(&visit, |shown| {
        if shown.gone.contains(&id) {
            return Some(None);
        }
        shown.page(&id).map(Some)
    });
    match found.await {
        Ok(Some(text)) => json_text(StatusCode::OK, text.as_bytes().to_vec()),
        Ok(None) => no_such(&format!("there is no bot {id}")),
        Err(refusal) => *refusal,
    }
}

/// Waits until what is asked for was read.
pub(super) async fn wait_for<T>(
    visit: &Visit,
    find: impl Fn(&super::hub::Shown) -> Option<T>,
) -> Result<T, Box<Response>> {
    let hub = visit.hub();
    let mut passes = hub.passes();
    let waited = async {
        loop {
            {
                let shown = hub.shown();
                if let Some(found) = find(&shown) {
                    return Ok(found);
                }
                if let Some(failure) = &shown.trouble {
                    return Err(refuse(StatusCode::SERVICE_UNAVAILABLE, failure).into());
                }
            }
            if passes.changed().await.is_err() {
                return Err(slow().into());
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited);
    waited.await.unwrap_or_else(|_elapsed| Err(slow().into()))
}

fn slow() -> Response {
    let failure = Failure::refused("the records could not be read in time").mend("try again");
    refuse(StatusCode::SERVICE_UNAVAILABLE, &failure)
}

/// One level, with its story.
#[derive(Debug, Serialize)]
struct LevelTold<'a> {
    bot: &'a BotId,
    symbol: &'a domain::Symbol,
    level: LevelIndex,
    row: LevelRow,
    explained: &'a Explained,
    seen: &'a str,
    fills: Vec<FillRow>,
    round_trips: Vec<TripRow>,
    unreadable: Vec<String>,
}

/// `GET /api/bots/BOT/levels/LEVEL`.
pub(super) async fn level(
    State(shared): State<Shared>,
    Path((id, index)): Path<(String, String)>,
) -> Response {
    let id = match bot_id(&id) {
        Ok(id) => id,
        Err(refusal) => return *refusal,
    };
    let Ok(index) = index.parse::<u16>() else {
        return no_such(&format!("{index:?} is no level"));
    };
    match Box::pin(level_told(&shared, &id, LevelIndex(index))).await {
        Ok(text) => json_text(StatusCode::OK, text.as_bytes().to_vec()),
        Err(failure) if failure.exit == Exit::BadInput => refuse(StatusCode::NOT_FOUND, &failure),
        Err(failure) => refuse(StatusCode::SERVICE_UNAVAILABLE, &failure),
    }
}

async fn level_told(shared: &Shared, id: &BotId, index: LevelIndex) -> Result<Arc<str>, Failure> {
    let home = shared.source.home().await?;
    let desk = Desk::new(&home);
    let bot = desk.find_bot(id).await?;
    let levels = home.store().list_levels(id).await?.readable;
    let Whole {
        explained,
        level,
        mut fills,
        seen,
        unreadable,
    } = Box::pin(explain_whole(&desk, &bot, &levels, index)).await?;
    in_order_of_booking(&mut fills);
    let trips = Replay::trips_of(&bot, &level, &fills);
    Ok(super::hub::json(&LevelTold {
        bot: id,
        symbol: &bot.rules.symbol,
        level: index,
        row: LevelRow::of(&bot, &level, desk.now(), &seen),
        explained: &explained,
        seen: &seen.words,
        fills: fills.iter().map(FillRow::of).collect(),
        round_trips: trips.iter().map(TripRow::from).collect(),
        unreadable: unreadable
            .iter()
            .map(|failure| failure.what.clone())
            .collect(),
    }))
}

/// What is to be done with a bot.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    action: Action,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Start,
    Pause,
    Resume,
    Stop,
    StopAndSell,
    Recover,
}

#[derive(Debug, Serialize)]
struct Said {
    said: Vec<String>,
}

/// `POST /api/bots/BOT/actions`.
pub(super) async fn act(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let id = match bot_id(&id) {
        Ok(id) => id,
        Err(refusal) => return *refusal,
    };
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        let failure = Failure::bad_input("an action is sent as application/json");
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, &failure);
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let failure = Failure::bad_input(rejection.body_text());
            return refuse(rejection.status(), &failure);
        }
    };
    let asked: Asked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(error) => {
            let failure = Failure::bad_input(format!("this is no action: {error}"))
                .mend("send {\"action\":\"pause\"}; there are start, pause, resume, stop, stop_and_sell, recover");
            return refuse(StatusCode::BAD_REQUEST, &failure);
        }
    };
    let outcome = Box::pin(carry_out(&shared, &id, asked.action)).await;
    // Whoever looks is to see at once what came of it.
    shared.hub.hurry();
    match outcome {
        Ok(Some(said)) => json(StatusCode::OK, &Said { said }),
        Ok(None) => no_such(&format!("there is no bot {id}")),
        Err(failure) => refuse_for(&failure),
    }
}

/// Does what the command of the same name does; `None` where there is no such bot.
async fn carry_out(
    shared: &Shared,
    id: &BotId,
    action: Action,
) -> Result<Option<Vec<String>>, Failure> {
    let home = shared.source.home().await?;
    let desk = Desk::new(&home);
    if home.store().bot(id).await?.is_none() {
        return Ok(None);
    }
    let wish = match action {
        Action::Start => Wish::Start,
        Action::Pause => Wish::Pause,
        Action::Resume => Wish::Resume,
        Action::Stop => Wish::Stop,
        Action::StopAndSell => Wish::StopAndSell,
        Action::Recover => return Box::pin(recover_now(&desk, id)).await.map(Some),
    };
    make_wish(&desk, id, wish).await.map(Some)
}
