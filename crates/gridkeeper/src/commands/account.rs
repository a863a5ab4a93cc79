//! `gridkeeper account`: accounts and their keys.
//!
//! A key that may withdraw is refused where the exchange tells. Keys are checked against the exchange
//! before anything is written.

use domain::{AccountId, LocalTime};
use serde::Serialize;
use trading::{
    AccountRecord, AccountStore as _, BotStore as _, Breaker, Environment, SealedKey, StreamState,
    TradeKeyStore as _,
};

use super::Session;
use super::finding::{self, Finding, Grade, worst};
use super::key_check::check_key;
use super::secrets::Secrets;
use crate::cli::{AccountAddArgs, AccountCommand, AccountRotateArgs, KeyArgs};
use crate::failure::{Exit, Failure, Outcome, key_page, plain_cause};
use crate::keys::Purpose;
use crate::table::{Align, Table, count_of, when};

/// What of an account is shown.
#[derive(Debug, Serialize)]
struct Shown {
    account: AccountId,
    environment: Environment,
    stream_key: String,
    trade_key: Option<String>,
    trading: Breaker,
    stream: StreamState,
    stream_wanted_since: Option<LocalTime>,
    /// How many bots it has.
    bots: usize,
    created_at: LocalTime,
}

/// New keys, sealed, and whether one serves as both.
struct Sealed {
    stream: Option<SealedKey>,
    trade: Option<SealedKey>,
    shared: bool,
}

pub(super) async fn account(session: &mut Session<'_>, command: AccountCommand) -> Outcome {
    match command {
        AccountCommand::Add(args) => add(session, &args).await,
        AccountCommand::List => list(session).await,
        AccountCommand::Check(name) => check(session, &name.account).await,
        AccountCommand::Rotate(args) => rotate(session, &args).await,
        AccountCommand::Remove(name) => remove(session, &name.account).await,
    }
}

async fn add(session: &mut Session<'_>, args: &AccountAddArgs) -> Outcome {
    let name = &args.name;
    if session.home.store().account(name).await?.is_some() {
        return Err(Failure::bad_input(format!("there is an account {name} already"))
            .at(session.home.place())
            .mend(format!(
                "choose another name, or replace its keys with `gridkeeper account rotate {name}`"
            )));
    }
    let environment = environment(session, args).await?;
    let sealed = seal(session, name, &args.keys).await?;
    let Sealed {
        stream: Some(stream),
        trade: Some(trade),
        shared,
    } = sealed
    else {
        return Err(
            Failure::bad_input("an account needs a stream key and a trade key")
                .mend("give --stream-key and --trade-key, or one for both with --key"),
        );
    };
    if !args.keys.no_check {
        let keys = [(Purpose::Stream, &stream), (Purpose::Trade, &trade)];
        let findings = ask(session, name, environment, &keys, shared).await?;
        refuse_bad(session, &findings)?;
    }
    let record = AccountRecord {
        id: name.clone(),
        environment,
        stream_key: stream,
        breaker: Breaker::Closed,
        stream: StreamState::Never,
        stream_wanted_since: None,
        created_at: session.now(),
        version: 0,
    };
    session.home.store().create_account(&record).await?;
    session.home.store().put_trade_key(name, &trade).await?;
    writeln!(
        session.out,
        "account {name} added; it trades on {}",
        place(environment)
    )?;
    writeln!(
        session.out,
        "next: gridkeeper bot plan --account {name} --help"
    )?;
    Ok(Exit::Yes)
}

/// Where the account shall trade. Real money needs the operator's word the first time.
async fn environment(session: &Session<'_>, args: &AccountAddArgs) -> Result<Environment, Failure> {
    if session.home.environs().simulated()?.is_some() {
        return Ok(Environment::Simulated);
    }
    let Some(exchange) = args.exchange else {
        return Err(Failure::bad_input("it is not said where the account trades")
            .mend("add --exchange testnet, demo or production; to try without an account, run `gridkeeper simulate-exchange`"));
    };
    let environment = Environment::from(exchange);
    if environment == Environment::Production && !args.i_understand_this_trades_real_money {
        let accounts = session.home.store().accounts().await?;
        let known = |account: &AccountRecord| account.environment == Environment::Production;
        if !accounts.iter().any(known) {
            return Err(Failure::bad_input("this account would trade real money")
                .at("--exchange production")
                .mend("rehearse with --exchange testnet or demo; or add --i-understand-this-trades-real-money"));
        }
    }
    Ok(environment)
}

pub(super) const fn place(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "Binance, with real money",
        Environment::Testnet => "Binance's test network",
        Environment::Demo => "Binance's demo mode",
        Environment::Simulated => "a simulated exchange",
    }
}

/// Asks for the secrets of the keys that were given, and seals them.
async fn seal(
    session: &mut Session<'_>,
    name: &AccountId,
    args: &KeyArgs,
) -> Result<Sealed, Failure> {
    let stream = args.key.as_ref().or(args.stream_key.as_ref());
    let trade = args.key.as_ref().or(args.trade_key.as_ref());
    let shared = stream.is_some() && stream == trade;
    let vault = session.home.vault();
    let environs = session.home.environs();
    let mut secrets = Secrets {
        input: if args.secrets_from_stdin {
            Some(&mut *session.input)
        } else {
            None
        },
        environs,
    };
    let kind = args.key_type.word();
    let mut sealed = Sealed {
        stream: None,
        trade: None,
        shared,
    };
    if let Some(api_key) = stream {
        let secret = secrets.read(Purpose::Stream, api_key, shared)?;
        sealed.stream = Some(
            vault
                .seal(name, Purpose::Stream, (api_key, kind), &secret)
                .await?,
        );
        if shared {
            sealed.trade = Some(
                vault
                    .seal(name, Purpose::Trade, (api_key, kind), &secret)
                    .await?,
            );
        }
    }
    if let Some(api_key) = trade.filter(|_| !shared) {
        let secret = secrets.read(Purpose::Trade, api_key, shared)?;
        sealed.trade = Some(
            vault
                .seal(name, Purpose::Trade, (api_key, kind), &secret)
                .await?,
        );
    }
    Ok(sealed)
}

/// Asks the exchange about keys.
async fn ask(
    session: &Session<'_>,
    name: &AccountId,
    environment: Environment,
    keys: &[(Purpose, &SealedKey)],
    shared: bool,
) -> Result<Vec<Finding>, Failure> {
    let exchanges = session.home.exchanges();
    let address = exchanges.address(environment)?;
    address.server_time().await?;
    let mut findings = Vec::new();
    for (purpose, key) in keys {
        let credentials = session.home.vault().open(name, *purpose, key).await?;
        let client = exchanges.with_key(name, environment, credentials)?;
        findings.extend(check_key(name, &client, environment, *purpose, shared).await?);
    }
    Ok(findings)
}

/// Shows what was found of new keys, and refuses them when one of them is no good.
fn refuse_bad(session: &mut Session<'_>, findings: &[Finding]) -> Result<(), Failure> {
    let (bad, others): (Vec<Finding>, Vec<Finding>) = findings
        .iter()
        .cloned()
        .partition(|finding| finding.grade == Grade::Problem);
    finding::write(&others, session.out)?;
    let Some(first) = bad.first() else {
        return Ok(());
    };
    // One key may serve as both: what is wrong with it is said once.
    let same = |finding: &&Finding| finding.text == first.text;
    let subjects: Vec<&str> = bad
        .iter()
        .filter(same)
        .map(|finding| finding.subject.as_str())
        .collect();
    let verb = if subjects.len() == 1 { "is" } else { "are" };
    let mut what = format!(
        "the {} {verb} refused: {}",
        subjects.join(" and the "),
        first.text
    );
    for finding in bad.iter().filter(|finding| finding.text != first.text) {
        what.push_str(&format!("; the {}: {}", finding.subject, finding.text));
    }
    let remedy = first.remedy.as_deref().unwrap_or("give another key");
    Err(Failure::bad_input(what)
        .at("exchange")
        .mend(format!("{remedy}; nothing was written")))
}

async fn list(session: &mut Session<'_>) -> Outcome {
    let mut shown = Vec::new();
    let listed = session.home.store().list_accounts().await?;
    let mut unreadable: Vec<Failure> = listed.unreadable.into_iter().map(Failure::from).collect();
    for account in listed.readable {
        match show(session, account).await {
            Ok(account) => shown.push(account),
            Err(failure) => unreadable.push(failure),
        }
    }
    if session.json {
        session.write_json(&shown)?;
        return session.pass_on(unreadable);
    }
    if shown.is_empty() && unreadable.is_empty() {
        writeln!(
            session.out,
            "no accounts yet; `gridkeeper account add NAME` adds one"
        )?;
        return Ok(Exit::Yes);
    }
    let mut table = Table::new(&[
        ("account", Align::Left),
        ("trades on", Align::Left),
        ("bots", Align::Right),
        ("orders", Align::Left),
        ("stream", Align::Left),
        ("added", Align::Left),
    ]);
    for account in shown {
        table.row(vec![
            account.account.to_string(),
            place(account.environment).to_owned(),
            account.bots.to_string(),
            breaker_words(&account.trading),
            stream_words(&account.stream, account.stream_wanted_since),
            when(account.created_at),
        ]);
    }
    table.write(session.out, 0)?;
    session.pass_on(unreadable)
}

async fn show(session: &Session<'_>, account: AccountRecord) -> Result<Shown, Failure> {
    let store = session.home.store();
    let trade_key = store.trade_key(&account.id).await?;
    let bots = store.bot_ids(Some(&account.id)).await?.len();
    Ok(Shown {
        account: account.id,
        environment: account.environment,
        stream_key: account.stream_key.api_key,
        trade_key: trade_key.map(|key| key.api_key),
        trading: account.breaker,
        stream: account.stream,
        stream_wanted_since: account.stream_wanted_since,
        bots,
        created_at: account.created_at,
    })
}

/// Whether an account may send orders, in words.
pub(crate) fn breaker_words(breaker: &Breaker) -> String {
    match breaker {
        Breaker::Closed => "allowed".to_owned(),
        Breaker::Stopped {
            detail,
            since,
            until,
            ..
        } => {
            let until = until.map_or_else(String::new, |until| format!(" until {}", when(until)));
            format!("stopped since {}{until}: {detail}", when(*since))
        }
    }
}

/// What is known of an account's stream, in words.
pub(crate) fn stream_words(stream: &StreamState, wanted: Option<LocalTime>) -> String {
    let asked = |what: &str| {
        wanted.map_or_else(String::new, |since| {
            format!("; {what} was requested {}", when(since))
        })
    };
    match stream {
        StreamState::Never => format!("none yet{}", asked("a subscription")),
        StreamState::Subscribed { since, bridge } => {
            format!("subscribed since {} by {bridge}", when(*since))
        }
        StreamState::Down { since, why } => format!(
            "down since {}: {}{}",
            when(*since),
            plain_cause(why),
            asked("a new subscription")
        ),
    }
}

async fn check(session: &mut Session<'_>, name: &AccountId) -> Outcome {
    let account = session.find_account(name).await?;
    let findings = check_account(session, &account).await?;
    let good = worst(&findings) < Grade::Problem;
    if session.json {
        session.write_json(&findings)?;
    } else {
        finding::write(&findings, session.out)?;
    }
    if good {
        let_through(session, &account).await?;
    }
    Ok(if good { Exit::Yes } else { Exit::No })
}

/// Asks the exchange about the keys an account has.
pub(super) async fn check_account(
    session: &Session<'_>,
    account: &AccountRecord,
) -> Result<Vec<Finding>, Failure> {
    let name = &account.id;
    let Some(trade) = session.home.store().trade_key(name).await? else {
        return Ok(vec![Finding::problem(
            format!("trade key of {name}"),
            "there is none",
            format!("gridkeeper account rotate {name} --trade-key KEY"),
        )]);
    };
    let shared = trade.api_key == account.stream_key.api_key;
    let keys = [
        (Purpose::Stream, &account.stream_key),
        (Purpose::Trade, &trade),
    ];
    ask(session, name, account.environment, &keys, shared).await
}

/// Lets an account send orders again that was stopped until an operator looked at it.
async fn let_through(session: &mut Session<'_>, account: &AccountRecord) -> Result<(), Failure> {
    let Breaker::Stopped { until: None, .. } = &account.breaker else {
        return Ok(());
    };
    session
        .home
        .store()
        .set_breaker(&account.id, &Breaker::Closed)
        .await?;
    let (bots, _unreadable) = session.bots().await?;
    for bot in bots.iter().filter(|bot| bot.account == account.id) {
        session
            .home
            .store()
            .make_due(&bot.id, session.now())
            .await?;
    }
    if !session.json {
        writeln!(session.out, "account {} may send orders again", account.id)?;
        session.remind_of_up()?;
    }
    Ok(())
}

async fn rotate(session: &mut Session<'_>, args: &AccountRotateArgs) -> Outcome {
    let name = &args.account;
    let account = session.find_account(name).await?;
    let sealed = seal(session, name, &args.keys).await?;
    let keys: Vec<(Purpose, &SealedKey)> = [
        (Purpose::Stream, sealed.stream.as_ref()),
        (Purpose::Trade, sealed.trade.as_ref()),
    ]
    .into_iter()
    .filter_map(|(purpose, key)| Some((purpose, key?)))
    .collect();
    if keys.is_empty() {
        return Err(Failure::bad_input("no new key is given")
            .mend("give --stream-key, --trade-key or both, or one for both with --key"));
    }
    if !args.keys.no_check {
        let findings = ask(session, name, account.environment, &keys, sealed.shared).await?;
        refuse_bad(session, &findings)?;
    }
    for (purpose, key) in keys {
        match purpose {
            Purpose::Stream => session.home.store().set_stream_key(name, key).await?,
            Purpose::Trade => session.home.store().put_trade_key(name, key).await?,
        }
        writeln!(
            session.out,
            "the {purpose} key of account {name} is replaced"
        )?;
    }
    if sealed.trade.is_some() && !args.keys.no_check {
        let_through(session, &account).await?;
    }
    // A simulated exchange has no page where keys are deleted.
    if account.environment != Environment::Simulated {
        writeln!(
            session.out,
            "once the new key is in use, delete the old one {}",
            key_page(Some(account.environment))
        )?;
    }
    Ok(Exit::Yes)
}

async fn remove(session: &mut Session<'_>, name: &AccountId) -> Outcome {
    session.find_account(name).await?;
    let bots = session.home.store().bot_ids(Some(name)).await?;
    if let Some(bot) = bots.first() {
        return Err(Failure::bad_input(format!(
            "account {name} still has {}",
            count_of(bots.len(), "bot")
        ))
        .at(format!("bot {bot}"))
        .mend(format!(
            "stop and remove them first: gridkeeper bot stop {bot}"
        )));
    }
    session.home.store().remove_account(name).await?;
    session.home.store().remove_trade_key(name).await?;
    writeln!(
        session.out,
        "account {name} is removed, and its keys with it"
    )?;
    Ok(Exit::Yes)
}
