//! `gridkeeper dashboard` and `gridkeeper watch`: the page alone, or the same on this terminal, beside a running `up` or without one, or over a deployment on AWS.

use std::io::Write;

use crate::cli::{Cli, DashboardArgs, WatchArgs};
use crate::dashboard::{self, Dashboard, DashboardAt, Kind, Source};
use crate::environs::Environs;
use crate::failure::{Exit, Failure, Outcome};
use crate::home::data_folder;
use crate::node::asked_to_stop;

pub(super) async fn dashboard(
    cli: &Cli,
    args: &DashboardArgs,
    environs: &Environs,
    out: &mut dyn Write,
) -> Outcome {
    if args.listen == Some(DashboardAt::Off) {
        return Err(Failure::bad_input("a dashboard that is off shows nothing")
            .at("--listen")
            .mend("name an address of 127.0.0.1, or leave it out"));
    }
    // Whoever reads the address may ask for the end at once.
    let asked = asked_to_stop();
    let (kind, source) = source(cli, environs).await?;
    let folder = match kind {
        Kind::Folder => Some(data_folder(cli.data.as_deref(), environs)?),
        Kind::Up | Kind::Demo | Kind::Aws => None,
    };
    let dashboard = Dashboard::open(kind, args.listen, folder.as_deref(), source, None).await?;
    let Some(dashboard) = dashboard else {
        return Ok(Exit::Yes);
    };
    writeln!(out, "dashboard: {}; stop with Ctrl-C", dashboard.url())?;
    out.flush()?;
    asked.await;
    dashboard.stop().await;
    Ok(Exit::Yes)
}

pub(super) async fn watch(
    cli: &Cli,
    args: &WatchArgs,
    environs: &Environs,
    out: &mut dyn Write,
) -> Outcome {
    let asked = asked_to_stop();
    let (kind, source) = source(cli, environs).await?;
    dashboard::watch(kind, source, args.bot.clone(), (cli.json, out), asked).await
}

/// The records that are meant. What cannot be read at all is said now, not on a page.
async fn source(cli: &Cli, environs: &Environs) -> Result<(Kind, Source), Failure> {
    if cli.aws.aws {
        let home = super::on_aws(&cli.aws, environs).await?;
        trading::BotStore::bot_ids(home.store(), None).await?;
        return Ok((Kind::Aws, Source::Held(std::sync::Arc::new(home))));
    }
    let source = Source::folder(data_folder(cli.data.as_deref(), environs)?, environs);
    source.check().await?;
    Ok((Kind::Folder, source))
}
