//! Downloads: the tables of `gridkeeper export`.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::BotId;
use serde::Deserialize;

use super::api;
use super::server::Shared;
use crate::cli::{Day, ExportForm, ExportWhat};
use crate::commands::Desk;
use crate::commands::export::{Exported, Wanted};
use crate::failure::{Exit, Failure};
use crate::progress::Progress;

/// Which part of the ledger.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    bot: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// `GET /api/export/{fills|round-trips}.{csv|json}`.
pub(super) async fn export(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Query(part): Query<Part>,
) -> Response {
    let (what, form) = match name.as_str() {
        "fills.csv" => (ExportWhat::Fills, ExportForm::Csv),
        "fills.json" => (ExportWhat::Fills, ExportForm::Json),
        "round-trips.csv" => (ExportWhat::RoundTrips, ExportForm::Csv),
        "round-trips.json" => (ExportWhat::RoundTrips, ExportForm::Json),
        _ => return api::no_such("there is no such table"),
    };
    match Box::pin(written(&shared, what, form, &part)).await {
        Ok(bytes) => {
            let kind = match form {
                ExportForm::Csv => "text/csv; charset=utf-8",
                ExportForm::Json => "application/json",
            };
            // The name is one of the four above.
            let attached = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
            let mut response = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
            if let Ok(attached) = attached {
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_DISPOSITION, attached);
            }
            response
        }
        Err(failure) if failure.exit == Exit::BadInput => {
            api::refuse(StatusCode::BAD_REQUEST, &failure)
        }
        Err(failure) => api::refuse(StatusCode::SERVICE_UNAVAILABLE, &failure),
    }
}

async fn written(
    shared: &Shared,
    what: ExportWhat,
    form: ExportForm,
    part: &Part,
) -> Result<Vec<u8>, Failure> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let day = |text: &Option<String>| -> Result<Option<Day>, Failure> {
        let day = given(text).map(|text| text.parse::<Day>());
        day.transpose().map_err(Failure::bad_input)
    };
    let bot = given(&part.bot).map(|text| text.parse::<BotId>());
    let bot = bot.transpose().map_err(Failure::bad_input)?;
    let home = shared.source.home().await?;
    let wanted = Wanted {
        what,
        bot: bot.as_ref(),
        from: day(&part.from)?,
        to: day(&part.to)?,
    };
    let exported = Exported::read(&Desk::new(&home), wanted, |_| Progress::unseen()).await?;
    // A table that lacks records must not look whole.
    if let Some(failure) = exported.unreadable.first() {
        return Err(failure.clone());
    }
    let mut bytes = Vec::new();
    match form {
        ExportForm::Csv => exported.write_csv(&mut bytes)?,
        ExportForm::Json => exported.write_json(&mut bytes)?,
    }
    Ok(bytes)
}
