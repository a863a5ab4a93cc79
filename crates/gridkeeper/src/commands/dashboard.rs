//! `gridkeeper dashboard`: the page alone, beside a running `up` or without one, or over a deployment on AWS.

use std::io::Write;

use crate::cli::{Cli, DashboardArgs};
use crate::dashboard::{Dashboard, DashboardAt, Kind, Source};
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
    let dashboard = if cli.aws.aws {
        let home = super::on_aws(&cli.aws, environs).await?;
        // A deployment that cannot be read is said now, not on a page.
        trading::BotStore::bot_ids(home.store(), None).await?;
        let source = Source::Held(std::sync::Arc::new(home));
        Dashboard::open(Kind::Aws, args.listen, None, source, None).await?
    } else {
        let folder = data_folder(cli.data.as_deref(), environs)?;
        let source = Source::folder(folder.clone(), environs);
        source.check().await?;
        Dashboard::open(Kind::Folder, args.listen, Some(&folder), source, None).await?
    };
    let Some(dashboard) = dashboard else {
        return Ok(Exit::Yes);
    };
    writeln!(out, "dashboard: {}; stop with Ctrl-C", dashboard.url())?;
    out.flush()?;
    asked.await;
    dashboard.stop().await;
    Ok(Exit::Yes)
}
