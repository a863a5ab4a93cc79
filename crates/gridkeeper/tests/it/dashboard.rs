//! The dashboard as a browser meets it: who is let in, and what a page hears of a grid at work.

use std::io::BufRead as _;
use std::process::{Child, ChildStdout, Command};
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

/// The longest a page waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that serves a dashboard, and how to reach it.
struct Served {
    child: Child,
    /// Kept open, as a closed pipe is another thing.
    _out: std::io::BufReader<ChildStdout>,
    address: String,
    token: String,
}

impl Served {
    /// Runs a command until it has said where its dashboard is.
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command();
        command
            .args(arguments)
            .stderr(std::process::Stdio::inherit());
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let url = tokio::task::block_in_place(|| {
            let mut line = String::new();
            loop {
                line.clear();
                assert!(out.read_line(&mut line).unwrap() > 0, "no dashboard");
                if let Some(url) = line.strip_prefix("dashboard: ") {
                    return url.split(';').next().unwrap().trim().to_owned();
                }
            }
        });
        let (address, token) = url.split_once("/?token=").unwrap();
        Self {
            child,
            _out: out,
            address: address.to_owned(),
            token: token.to_owned(),
        }
    }

    fn up(world: &World) -> Self {
        Self::start(world, &["up", "--dashboard", "127.0.0.1:0"])
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        let request = Client::new().get(self.url(path)).bearer_auth(&self.token);
        request.send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        read(response).await
    }

    async fn act(&self, bot: &str, body: &Value) -> Response {
        let url = self.url(&format!("/api/bots/{bot}/actions"));
        let request = Client::new().post(url).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json");
        request.body(body.to_string()).send().await.unwrap()
    }

    /// Opens the page's stream of changes, over a bot if one is named.
    async fn events(&self, bot: &str) -> Events {
        let path = format!("/api/events?token={}&bot={bot}", self.token);
        let response = Client::new().get(self.url(&path)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events {
            response,
            read: String::new(),
        }
    }

    /// Asks it to end and waits until it has.
    fn end(mut self) {
        tokio::task::block_in_place(|| {
            let id = self.child.id().to_string();
            let asked = Command::new("kill").args(["-TERM", &id]).status();
            assert!(asked.unwrap().success());
            assert!(self.child.wait().unwrap().success());
        });
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended already where the test asked it to.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn read(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A page's stream of changes.
struct Events {
    response: Response,
    read: String,
}

impl Events {
    /// The next change and its kind.
    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                let field = |name: &str| {
                    let mut lines = event.lines();
                    lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
                };
                let (Some(name), Some(data)) = (field("event: "), field("data: ")) else {
                    continue;
                };
                return (name, serde_json::from_str(&data).unwrap());
            }
            let chunk = self.response.chunk().await.unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("the stream ended"));
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The first change of this kind that is as wanted.
    async fn until(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut passed = Vec::new();
        let found = async {
            loop {
                let (name, data) = self.next().await;
                if name == kind && wanted(&data) {
                    return data;
                }
                passed.push(name);
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(data) => data,
            Err(_elapsed) => panic!("no such {kind:?} among {passed:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_the_token_or_from_another_site() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let served = Served::up(&world);
    let client = Client::new();
    let address = served.address.strip_prefix("http://").unwrap();
    let with = format!("?token={}", served.token);
    let wrong = format!("?token={}", served.token.replace(['0', '1', '2'], "f"));
    for path in [
        "/",
        "/api/overview",
        "/api/events",
        "/api/bots/x",
        "/metrics",
        "/nothing",
    ] {
        for query in ["", "?token=", wrong.as_str()] {
            let response = client.get(served.url(&format!("{path}{query}"))).send();
            let response = response.await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}{query}");
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("host", "evil.example"),
        ("host", "evil.example:9460"),
        ("sec-fetch-site", "cross-site"),
    ] {
        for path in ["/", "/api/overview", "/assets/main.js"] {
            let request = client.get(served.url(&format!("{path}{with}")));
            let response = request.header(name, value).send().await.unwrap();
            assert_eq!(
                response.status(),
                StatusCode::FORBIDDEN,
                "{path} {name}: {value}"
            );
        }
    }
    let own = client
        .get(served.url(&format!("/api/overview{with}")))
        .header("origin", format!("http://{address}"));
    assert_eq!(own.send().await.unwrap().status(), StatusCode::OK);

    // A form of another site can name the address, but sends neither header.
    let action = served.url(&format!("/api/bots/{bot}/actions{with}"));
    let form = client.post(&action).body(r#"{"action":"pause"}"#);
    assert_eq!(form.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let plain = client.post(&action).bearer_auth(&served.token);
    let plain = plain.header("content-type", "text/plain");
    let plain = plain.body(r#"{"action":"pause"}"#).send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let shown = world.run(&["bot", "show", &bot, "--json"]).yes().json();
    assert_eq!(shown["bot"]["desired"], "running");
}

/// What Prometheus is told of a bot with one round trip.
async fn metrics_say_the_same(served: &Served, bot: &str, realized: &str) {
    let of_bot = format!("{{bot=\"{bot}\",symbol=\"BTCUSDT\"");
    let lines = [
        format!("gridkeeper_realized_profit{of_bot},asset=\"USDT\"}} {realized}"),
        format!("gridkeeper_levels{of_bot},state=\"open\"}} 4"),
        format!("gridkeeper_round_trips_total{of_bot}}} 1"),
        "gridkeeper_stream_connected{account=\"main\"} 1".to_owned(),
        "gridkeeper_bridge_streams{state=\"up\"} 1".to_owned(),
    ];
    let missing = |text: &str| {
        let mut missing = lines.iter();
        let missing = missing.find(|line| !text.lines().any(|told| told == *line));
        missing.cloned()
    };
    let mut text = String::new();
    // Accounts are read every few seconds.
    for _ in 0..PATIENCE.as_secs() {
        let response = served.get("/metrics").await;
        assert_eq!(response.status(), StatusCode::OK);
        let kind = response.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        text = response.text().await.unwrap();
        if missing(&text).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(missing(&text), None, "in\n{text}");
    let count = "gridkeeper_fill_to_order_seconds_count ";
    let reactions = text.lines().find_map(|line| line.strip_prefix(count));
    assert!(reactions.unwrap().parse::<u64>().unwrap() > 0, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_gets_a_line_for_each_change() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let _served = Served::up(&world);
    world.until(&["bot", "show", &bot, "--json"], |shown| {
        shown["sums"]["open_orders"] == 4
    });
    let mut command = world.command();
    let mut watch = command.args(["watch", &bot]).spawn().unwrap();
    let out = std::io::BufReader::new(watch.stdout.take().unwrap());
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = out.lines().map_while(Result::ok);
        lines.all(|line| sender.send(line).is_ok())
    });
    let until = |words: &str| {
        tokio::task::block_in_place(|| {
            loop {
                match lines.recv_timeout(PATIENCE) {
                    Ok(line) if line.contains(words) => return line,
                    Ok(_other) => {}
                    Err(error) => panic!("no line has {words:?}: {error}"),
                }
            }
        })
    };
    until("4/4 levels with an order, owed 0");
    world.trade_at(58_900);
    let fill = until("told by the stream; booked, led to order number");
    assert!(fill.starts_with(&bot) && fill.contains(": BUY "), "{fill}");
    let id = watch.id().to_string();
    let asked = Command::new("kill").args(["-INT", &id]).status();
    assert!(asked.unwrap().success());
    assert!(watch.wait().unwrap().success());
    let none = world.run(&["watch", "nosuchbot"]);
    none.ends(2).says(&["there is no bot nosuchbot"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_the_browser_to_load_nothing_from_elsewhere() {
    let world = World::begin().await;
    let served = Served::up(&world);
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/assets/main.js", "text/javascript; charset=utf-8"),
        ("/api/overview", "application/json"),
        ("/nothing", "application/json"),
    ] {
        let response = served.get(path).await;
        let headers = response.headers();
        assert_eq!(headers["content-type"], kind, "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-frame-options"], "DENY");
        assert!(headers.get("access-control-allow-origin").is_none());
    }
    // The page loads its own files; another host may be named in a link that a person follows.
    let page = served.get("/").await.text().await.unwrap();
    let sources = ["src=\"", "<link rel=\"stylesheet\" href=\""];
    for source in sources {
        let loaded: Vec<&str> = page.split(source).skip(1).collect();
        assert!(!loaded.is_empty(), "{source}: {page}");
        let own = |rest: &&str| rest.starts_with("/assets/");
        assert!(loaded.iter().all(own), "{source}: {page}");
    }
    let refused = Client::new()
        .request(Method::PUT, served.url("/"))
        .bearer_auth(&served.token);
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_of_a_fill_and_of_all_that_followed() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let served = Served::up(&world);
    let mut page = served.events(&bot).await;
    let overview = page.until("overview", |_| true).await;
    assert_eq!(overview["process"]["kind"], "up");
    assert_eq!(overview["process"]["nobody_runs"], false);
    let laid = |bots: &Value| bots["bots"][0]["levels"]["open"] == 4;
    if !laid(&overview) {
        page.until("bots", laid).await;
    }
    world.until(&["bot", "show", &bot, "--json"], |shown| {
        shown["bot"]["observed"] == "running"
    });
    let before = served.json(&format!("/api/bots/{bot}")).await;
    let total = before["fills_total"].as_u64().unwrap();
    assert_eq!(before["levels"].as_array().unwrap().len(), 4, "{before:#}");
    assert_eq!(before["lines"].as_array().unwrap().len(), 5);

    let level = &hears_of_a_purchase(&world, &mut page, total).await;
    let stats = page.until("stats", |stats| {
        stats["stats"]["latencies"][0]["count"].as_u64().unwrap() > 0
    });
    let stats = stats.await;
    let minutes = stats["stats"]["fills_per_minute"].as_array().unwrap();
    assert_eq!(minutes.len(), 60);

    // Back up: the round trip is whole.
    world.trade_at(60_100);
    let trips = page.until("round-trips", |_| true).await;
    assert_eq!(&trips["round_trips"][0]["level"], level);
    // That the stream is subscribed may be read a moment later.
    let is_well = |bots: &Value| {
        let row = &bots["bots"][0];
        row["round_trips"] == 1 && row["health"]["state"] == "well"
    };
    let row = page.until("bots", is_well).await;
    let shown = world.run(&["bot", "show", &bot, "--json"]).yes().json();
    let realized = shown["sums"]["realized_profit"].as_str().unwrap();
    let rounded = as_shown(realized);
    assert_eq!(trips["round_trips"][0]["profit"], rounded);
    assert_eq!(row["bots"][0]["realized"], rounded);

    // Whoever comes now is told the same.
    let after = served.json(&format!("/api/bots/{bot}")).await;
    assert_eq!(after["round_trips"].as_array().unwrap().len(), 1);
    assert_eq!(
        after["profit"].as_array().unwrap().last().unwrap()["realized"],
        rounded
    );
    assert_eq!(after["bot"]["fills_today"], after["fills_total"]);
    let level = served
        .json(&format!("/api/bots/{bot}/levels/{level}"))
        .await;
    assert_eq!(level["round_trips"][0]["profit"], rounded);
    assert!(!level["explained"]["story"].as_array().unwrap().is_empty());
    tables_say_the_same(&world, &served, &bot, realized).await;
    metrics_say_the_same(&served, &bot, &rounded).await;
    let missing = served.get("/api/bots/nosuchbot").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(
        read(missing).await["error"]
            .as_str()
            .unwrap()
            .contains("nosuchbot")
    );
}

/// The market falls through a BUY, and its opposite is placed: the page hears of each step. Gives the level.
async fn hears_of_a_purchase(world: &World, page: &mut Events, total: u64) -> Value {
    world.trade_at(58_900);
    // First purchases near the market may be heard of before.
    let fills = page
        .until("fills", |fills| fills["fills"][0]["price"] == "59000")
        .await;
    let fill = &fills["fills"][0];
    assert_eq!(fill["side"], "BUY", "{fills:#}");
    assert_eq!(fills["fills_total"], total + 1);
    let level = &fill["level"];
    let flow = page
        .until("flow", |flow| {
            let row = &flow["flow"][0];
            row["id"] == fill["id"] && row["accepted_at"].is_i64()
        })
        .await;
    let row = &flow["flow"][0];
    assert_eq!(row["caused_order"]["side"], "SELL", "{row:#}");
    let step = |name: &str| {
        let mut steps = row["steps"].as_array().unwrap().iter();
        steps.any(|step| step["step"] == name && step["ms"].is_i64())
    };
    for name in [
        "traded to received",
        "received to decided",
        "decided to sent",
        "sent to accepted",
    ] {
        assert!(step(name), "{name} in {row:#}");
    }
    let now_sells = |levels: &Value| {
        levels["levels"].as_array().unwrap().iter().any(|row| {
            &row["level"] == level && row["state"] == "open" && row["order"]["side"] == "SELL"
        })
    };
    page.until("levels", now_sells).await;
    level.clone()
}

/// An exact amount as people read it, to eight decimals.
fn as_shown(exact: &str) -> String {
    let exact: rust_decimal::Decimal = exact.parse().unwrap();
    exact.round_dp(8).normalize().to_string()
}

/// The command's table and the page's download are one, and hold the one round trip there was.
async fn tables_say_the_same(world: &World, served: &Served, bot: &str, realized: &str) {
    for what in ["fills", "round-trips"] {
        let response = served
            .get(&format!("/api/export/{what}.csv?bot={bot}"))
            .await;
        assert_eq!(response.status(), StatusCode::OK);
        let attached = response.headers()["content-disposition"].to_str().unwrap();
        assert_eq!(attached, format!("attachment; filename=\"{what}.csv\""));
        let text = response.text().await.unwrap();
        let told = world.run(&["export", what, "--bot", bot]).yes();
        assert_eq!(text, told.out);
        assert_eq!(world.run(&["export", what]).yes().out, told.out);
        let as_json = world
            .run(&["export", what, "--format", "json"])
            .yes()
            .json();
        assert_eq!(as_json.as_array().unwrap().len() + 1, text.lines().count());
        let long_ago = ["export", what, "--from", "2001-01-01", "--to", "2001-01-02"];
        assert_eq!(world.run(&long_ago).yes().out.lines().count(), 1);
        let backwards = ["export", what, "--from", "2026-02-02", "--to", "2026-02-01"];
        world.run(&backwards).ends(2).says(&["--from and --to"]);
    }
    let trips = served
        .json(&format!("/api/export/round-trips.json?bot={bot}"))
        .await;
    assert_eq!(trips.as_array().unwrap().len(), 1, "{trips:#}");
    assert_eq!(trips[0]["profit"], realized);
    let fills = served.json("/api/export/fills.json").await;
    let sold = fills.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&sold["side"], &sold["Sent Currency"]),
        (&json!("SELL"), &json!("BTC"))
    );
    let at = sold["Date"].as_str().unwrap();
    assert!(at.ends_with('Z') && at.contains('T'), "{at}");
    let wrong = served.get("/api/export/fills.csv?from=yesterday").await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_the_commands_and_every_page_sees_it() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let served = Served::up(&world);
    world.until(&["bot", "show", &bot, "--json"], |shown| {
        shown["bot"]["observed"] == "running"
    });
    let mut other = served.events("").await;
    other.until("overview", |_| true).await;
    let done = served.act(&bot, &json!({ "action": "pause" })).await;
    assert_eq!(done.status(), StatusCode::OK);
    let said = read(done).await["said"][0].as_str().unwrap().to_owned();
    assert_eq!(said, format!("bot {bot} is to be paused"));
    let paused = |bots: &Value| {
        let row = &bots["bots"][0];
        row["observed"] == "paused" && row["actions"][0] == "resume"
    };
    other.until("bots", paused).await;
    let shown = world.run(&["bot", "show", &bot, "--json"]).yes().json();
    assert_eq!(shown["bot"]["observed"], "paused");

    // What the command says to the terminal, the page is told too.
    world.run(&["bot", "resume", &bot]).yes();
    other
        .until("bots", |bots| bots["bots"][0]["observed"] == "running")
        .await;
    for (action, status) in [
        (json!({ "action": "resume" }), StatusCode::OK),
        (json!({ "action": "recover" }), StatusCode::OK),
        (json!({ "action": "explode" }), StatusCode::BAD_REQUEST),
        (
            json!({ "action": "stop", "more": 1 }),
            StatusCode::BAD_REQUEST,
        ),
        (json!({ "action": "stop" }), StatusCode::OK),
        (json!({ "action": "pause" }), StatusCode::BAD_REQUEST),
    ] {
        let done = served.act(&bot, &action).await;
        assert_eq!(done.status(), status, "{action}: {}", read(done).await);
    }
    other
        .until("bots", |bots| bots["bots"][0]["observed"] == "stopped")
        .await;
    let nobody = served.act("nosuchbot", &json!({ "action": "stop" })).await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_finds_everything_again_after_a_restart() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let served = Served::up(&world);
    let (address, token) = (served.address.clone(), served.token.clone());
    served.events(&bot).await.until("bot", |_| true).await;
    served.end();
    // Told nothing, it comes back to where it was, with the token it had.
    let again = Served::start(&world, &["up"]);
    assert_eq!((&again.address, &again.token), (&address, &token));
    let mut page = again.events(&bot).await;
    page.until("overview", |_| true).await;
    page.until("bot", |page| page["bot"]["bot"] == bot.as_str())
        .await;
    world
        .run(&["up", "--dashboard", "0.0.0.0:9460"])
        .ends(2)
        .says(&["127.0.0.1 only"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_alone_keeps_nobody_from_the_folder() {
    let world = World::with_account().await;
    let bot = world.create(&["--start"]);
    let served = Served::start(&world, &["dashboard", "--listen", "127.0.0.1:0"]);
    let mut page = served.events(&bot).await;
    let overview = page.until("overview", |_| true).await;
    assert_eq!(overview["process"]["nobody_runs"], true);
    assert_eq!(
        overview["bots"][0]["health"]["state"], "trouble",
        "{overview:#}"
    );
    page.until("bot", |page| page["bot"]["observed"] == "ready")
        .await;
    // A wish can be written while nobody carries it out.
    let done = served.act(&bot, &json!({ "action": "pause" })).await;
    let said = read(done).await["said"].to_string();
    assert!(said.contains("`gridkeeper up` is not running"), "{said}");
    page.until("bots", |bots| bots["bots"][0]["desired"] == "paused")
        .await;

    let up = world.up();
    page.until("state", |state| state["process"]["nobody_runs"] == false)
        .await;
    let done = served.act(&bot, &json!({ "action": "resume" })).await;
    assert_eq!(done.status(), StatusCode::OK);
    page.until("bots", |bots| bots["bots"][0]["levels"]["open"] == 4)
        .await;
    world.trade_at(58_900);
    page.until("fills", |fills| fills["fills"][0]["side"] == "BUY")
        .await;
    drop(up);
    page.until("state", |state| state["process"]["nobody_runs"] == true)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_seen_trading_within_two_seconds() {
    let world = World::begin().await;
    let arguments = [
        "demo",
        "--headless",
        "--for",
        "60s",
        "--dashboard",
        "127.0.0.1:0",
    ];
    let served = Served::start(&world, &arguments);
    let overview = served.json("/api/overview").await;
    assert_eq!(overview["process"]["kind"], "demo");
    // Its grid is laid before prices start.
    let mut waiting = served.events("").await;
    let overview = waiting.until("overview", |_| true).await;
    let laid = |bots: &Value| {
        let row = &bots["bots"][0];
        !row.is_null() && row["levels"]["open"] == row["levels"]["all"]
    };
    if !laid(&overview) {
        waiting.until("bots", laid).await;
    }
    let opened = tokio::time::Instant::now();
    let bot = served.json("/api/overview").await["bots"][0]["bot"].clone();
    let mut page = served.events(bot.as_str().unwrap()).await;
    page.until("bot", |page| page["levels"].as_array().unwrap().len() == 24)
        .await;
    page.until("price", |price| price["price"]["price"].is_string())
        .await;
    let took = opened.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    page.until("fills", |_| true).await;
}
