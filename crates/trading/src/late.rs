//! Orders that were given up while nobody knew their fate, and have executed since.
//!
//! One that is open is taken down as a stray, which books what it executed. One that has filled is in no listing, and
//! while no stream tells of it nothing else would ever ask for it.

use domain::{ClientOrderId, ExchangeTime, GivenUp, Level};

use crate::recover_bot::Recovered;
use crate::recover_level::{Run, feed_as};
use crate::{ADOPT_TOLERANCE, Exchange, LATE_ORDERS_WATCHED, OrderView, Outside};

/// Feeds what orders given up not long ago have executed; whether anything was booked. A run without
/// such orders asks nothing, one with any asks once for all of them.
pub(crate) async fn take_in_late_orders<O: Outside>(
    run: Run<'_, O>,
    levels: &[Level],
    exchange_now: ExchangeTime,
    recovered: &mut Recovered,
) -> bool {
    let watched: Vec<(&Level, GivenUp)> = levels
        .iter()
        .filter_map(|level| Some((level, level.last_given_up()?)))
        .filter(|(_, given_up)| given_up.until.after(LATE_ORDERS_WATCHED) > exchange_now)
        .collect();
    let Some(since) = watched
        .iter()
        .map(|(_, given_up)| given_up.first_start)
        .min()
    else {
        return false;
    };
    let since = since.before(ADOPT_TOLERANCE);
    let listed = run.connection.orders_since(&run.bot.rules.symbol, since);
    let listed = match listed.await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::info!(%error, "orders given up not looked for");
            return false;
        }
    };
    let mut booked = false;
    let ended = listed.iter().filter(|view| view.status.is_terminal());
    for view in ended.filter(|view| !view.executed.is_zero()) {
        let Some((level, id)) = whose(&watched, view) else {
            continue;
        };
        match feed_as(run, level, view, &id).await {
            Ok(fed) if fed.booked => {
                booked = true;
                recovered.levels_caught_up = recovered.levels_caught_up.saturating_add(1);
                recovered.problems.push(format!(
                    "level {}: exchange order {} ({id}) was given up as never placed, and has executed {}",
                    level.index, view.exchange_order_id, view.executed
                ));
            }
            Ok(_) => {}
            Err(error) => recovered.problems.push(error.to_string()),
        }
    }
    booked
}

/// Whose given-up order this is, if it is one.
fn whose<'a>(
    watched: &[(&'a Level, GivenUp)],
    view: &OrderView,
) -> Option<(&'a Level, ClientOrderId)> {
    let id = view.client_order_id.parse::<ClientOrderId>().ok()?;
    let of = |(level, given_up): &&(&Level, GivenUp)| {
        level.bot == id.bot && level.index == id.level && given_up.no == id.no
    };
    watched.iter().find(of).map(|(level, _)| (*level, id))
}
