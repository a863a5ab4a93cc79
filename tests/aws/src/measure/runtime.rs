//! Lambda's runtime API on this machine: starts a function as Lambda does, and gives it events one at a time.
//!
//! Start at [`Environment::start`]. What the API is: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom
//! runtimes".

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::cases::PATIENCE;

/// As the template sets it, in milliseconds.
const CALL_ENDS_AFTER_MS: u128 = 70_000;

/// What a function tells its runtime.
#[derive(Debug)]
enum Told {
    /// It is ready for an event.
    Ready,
    /// It has handled one, with this answer.
    Answered(String),
}

/// What the API's handlers share: where to tell what they are told, failures as they are worded, and the events to hand
/// out.
#[derive(Debug, Clone)]
struct Desk {
    tell: mpsc::UnboundedSender<Result<Told, String>>,
    events: Arc<Mutex<mpsc::UnboundedReceiver<String>>>,
}

/// One environment of a function; it ends when dropped.
#[derive(Debug)]
pub(super) struct Environment {
    child: Child,
    told: mpsc::UnboundedReceiver<Result<Told, String>>,
    give: mpsc::UnboundedSender<String>,
    log: PathBuf,
    _serving: JoinSet<()>,
}

impl Environment {
    /// Starts a function with these variables; how long it took until it asked for its first event.
    pub(super) async fn start(
        program: &std::path::Path,
        variables: &[(String, String)],
        log: PathBuf,
    ) -> anyhow::Result<(Self, Duration)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (tell, told) = mpsc::unbounded_channel();
        let (give, events) = mpsc::unbounded_channel();
        let events = Arc::new(Mutex::new(events));
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{what}", post(answer))
            .route("/2018-06-01/runtime/init/error", post(broken))
            .with_state(Desk { tell, events });
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            // It ends with the set; an error of one connection is that connection's.
            drop(axum::serve(listener, router).await);
        });
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "measured")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .stdin(Stdio::null())
            .stdout(File::create(&log).with_context(|| log.display().to_string())?)
            .stderr(Stdio::inherit())
            .process_group(0)
            .kill_on_drop(true);
        let begun = Instant::now();
        let child = command.spawn().context("the function does not start")?;
        let mut environment = Self {
            child,
            told,
            give,
            log,
            _serving: serving,
        };
        let told = environment.hear().await?;
        ensure!(matches!(told, Told::Ready), "it answers unasked: {told:?}");
        Ok((environment, begun.elapsed()))
    }

    async fn hear(&mut self) -> anyhow::Result<Told> {
        let told = timeout(PATIENCE, self.told.recv()).await;
        let told = told.with_context(|| format!("it says nothing; see {}", self.log.display()))?;
        let told = told.context("the API has ended")?;
        told.map_err(|error| anyhow::anyhow!("the function fails: {error}"))
    }

    /// Has it handle these messages of a queue, of which none may fail; how long it took.
    pub(super) async fn handle(&mut self, bodies: &[String]) -> anyhow::Result<Duration> {
        let records = bodies.iter().enumerate().map(|(nth, body)| {
            serde_json::json!({
                "messageId": format!("message-{nth}"), "receiptHandle": format!("receipt-{nth}"), "body": body,
                "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
                "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
            })
        });
        let event = serde_json::json!({ "Records": records.collect::<Vec<Value>>() });
        let begun = Instant::now();
        self.give.send(event.to_string()).context("it has ended")?;
        let Told::Answered(answer) = self.hear().await? else {
            bail!("it was to answer");
        };
        let took = begun.elapsed();
        let answer: Value = serde_json::from_str(&answer)?;
        let failed = answer["batchItemFailures"].as_array().map(Vec::len);
        ensure!(failed == Some(0), "it gives messages back: {answer}");
        ensure!(
            matches!(self.hear().await?, Told::Ready),
            "it was to ask for the next event"
        );
        Ok(took)
    }

    /// Bytes that it has logged so far.
    pub(super) fn logged(&self) -> anyhow::Result<u64> {
        Ok(std::fs::metadata(&self.log)?.len())
    }

    /// The most memory that it has held so far, KiB.
    pub(super) fn most_memory(&self) -> anyhow::Result<u64> {
        let id = self.child.id().context("it has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let figure = line.and_then(|line| line.split_whitespace().next());
        Ok(figure.context("no VmHWM")?.parse()?)
    }

    /// Ends it.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

async fn next(State(desk): State<Desk>) -> Result<impl IntoResponse, StatusCode> {
    tell(&desk, Ok(Told::Ready));
    let event = desk.events.lock().await.recv().await;
    let event = event.ok_or(StatusCode::GONE)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the function compares its deadline with the machine's own clock"
    )]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let deadline = now.unwrap_or_default().as_millis() + CALL_ENDS_AFTER_MS;
    let function = "arn:aws:lambda:eu-west-1:000000000000:function:measured";
    let headers = [
        ("lambda-runtime-aws-request-id", "call".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", function.to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    Ok((headers, event))
}

async fn answer(
    State(desk): State<Desk>,
    Path((_, what)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    let told = match what.as_str() {
        "response" => Ok(Told::Answered(body)),
        _ => Err(body),
    };
    tell(&desk, told)
}

async fn broken(State(desk): State<Desk>, body: String) -> StatusCode {
    tell(&desk, Err(body))
}

fn tell(desk: &Desk, told: Result<Told, String>) -> StatusCode {
    // Whoever listened has what it wanted.
    drop(desk.tell.send(told));
    StatusCode::ACCEPTED
}
