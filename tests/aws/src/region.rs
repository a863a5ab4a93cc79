//! The local AWS: one ministack process on 127.0.0.1, told by a file which one it is.
//!
//! Start at [`up`]. Only the services that the template needs are started, and nothing listens anywhere but on
//! 127.0.0.1.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::Places;
use crate::gate::Gate;
use crate::tools::Tool;

/// What the template and the deployment need.
const SERVICES: &str =
    "cloudformation,cloudwatch,dynamodb,ec2,iam,kms,lambda,logs,s3,scheduler,sns,sqs,ssm,sts";

/// How long it may take to start, or to go.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A running local AWS.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Region {
    /// The process.
    pub process: u32,
    /// Where it listens.
    pub port: u16,
}

impl Region {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The AWS environment of whatever uses it.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let word = |word: &str| word.to_owned();
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_REGION", word("eu-west-1")),
            ("AWS_DEFAULT_REGION", word("eu-west-1")),
            ("AWS_ACCESS_KEY_ID", word("test")),
            ("AWS_SECRET_ACCESS_KEY", word("test")),
            ("NO_PROXY", word("*")),
            ("SAM_CLI_TELEMETRY", word("0")),
        ]
    }

    /// The one that was started last, if it still runs.
    ///
    /// # Errors
    /// When what is known of it cannot be read.
    pub fn running(places: &Places) -> anyhow::Result<Option<Self>> {
        let Ok(text) = std::fs::read_to_string(state(places)) else {
            return Ok(None);
        };
        let region: Self = serde_json::from_str(&text)
            .with_context(|| format!("{}: {text}", state(places).display()))?;
        Ok(region.is_alive().then_some(region))
    }

    /// Whether its process is there, and is still that.
    fn is_alive(&self) -> bool {
        let line = std::fs::read(format!("/proc/{}/cmdline", self.process));
        line.is_ok_and(|line| String::from_utf8_lossy(&line).contains("ministack"))
    }

    /// The processes of functions that it runs now.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn functions(&self) -> anyhow::Result<Vec<u32>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").context("/proc")? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(id) = name.and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let status = std::fs::read_to_string(path.join("status")).unwrap_or_default();
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:\t"));
            let program = std::fs::read_link(path.join("exe")).unwrap_or_default();
            if parent == Some(&self.process.to_string()) && program.ends_with("bootstrap") {
                found.push(id);
            }
        }
        Ok(found)
    }
}

fn state(places: &Places) -> PathBuf {
    places.work.join("region.json")
}

/// Starts the local AWS, unless it runs.
///
/// # Errors
/// When it cannot be installed, or does not answer.
pub async fn up(places: &Places) -> anyhow::Result<Region> {
    if let Some(region) = Region::running(places)? {
        return Ok(region);
    }
    up_behind(places, None).await
}

/// Starts a local AWS whose functions reach it through this gate, if any.
///
/// # Errors
/// As [`up`].
async fn up_behind(places: &Places, gate: Option<&str>) -> anyhow::Result<Region> {
    let programs = Tool::Ministack.installed(places)?;
    let port = free_port()?;
    let scratch = places.work.join("scratch");
    std::fs::create_dir_all(&scratch).context("a scratch folder")?;
    let log_path = places.work.join("ministack.log");
    let log = File::create(&log_path).context("its log")?;
    let mut command = Command::new(programs.join("ministack"));
    let region = Region { process: 0, port };
    command
        .envs(region.environment())
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("MINISTACK_REGION", "eu-west-1")
        .env("SERVICES", SERVICES)
        // These would listen on every address.
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("TMPDIR", &scratch)
        .env("S3_DATA_DIR", scratch.join("s3"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("its log")?)
        .stderr(log)
        // It outlives the command that starts it.
        .process_group(0);
    if let Some(gate) = gate {
        // It hands this on to the functions.
        command.env("AWS_ENDPOINT_URL", gate);
    }
    let started = command.spawn().context("ministack did not start")?;
    let region = Region {
        process: started.id(),
        port,
    };
    let text = serde_json::to_string(&region)?;
    std::fs::write(state(places), text).context("its id cannot be kept")?;
    let deadline = Instant::now() + PATIENCE;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let health = format!("{}/_ministack/health", region.url());
    loop {
        if let Ok(reply) = client.get(&health).send().await
            && reply.status().is_success()
        {
            return Ok(region);
        }
        ensure!(
            region.is_alive() && Instant::now() < deadline,
            "the local AWS does not answer; see {}",
            log_path.display()
        );
        sleep(LOOK_AGAIN).await;
    }
}

/// Does this with a local AWS of its own, which the functions reach through a gate and which is gone in the end.
///
/// # Errors
/// As [`up`], and those of what is done.
pub(crate) async fn with_gate<T>(
    places: &Places,
    live: impl AsyncFnOnce(&Region, &Gate) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    down(places).await?;
    let gate = Gate::open().await?;
    let region = up_behind(places, Some(gate.url())).await?;
    gate.lead_to(region.url());
    let outcome = live(&region, &gate).await;
    down(places).await?;
    outcome
}

/// Ends the local AWS, with all that was deployed to it.
///
/// # Errors
/// When it does not end.
pub async fn down(places: &Places) -> anyhow::Result<bool> {
    let Some(region) = Region::running(places)? else {
        return Ok(false);
    };
    let functions = region.functions()?;
    end(region.process, "TERM")?;
    let deadline = Instant::now() + PATIENCE;
    while region.is_alive() && !is_zombie(region.process) {
        ensure!(Instant::now() < deadline, "the local AWS does not end");
        sleep(LOOK_AGAIN).await;
    }
    for function in functions {
        let program = std::fs::read_link(format!("/proc/{function}/exe"));
        if program.is_ok_and(|program| program.ends_with("bootstrap")) {
            end(function, "KILL")?;
        }
    }
    std::fs::remove_file(state(places)).context("what was known of it")?;
    Ok(true)
}

/// Whether it has ended, and only the command that started it has not taken note yet.
fn is_zombie(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    status.is_ok_and(|status| status.contains("State:\tZ"))
}

/// Sends a signal to a process that was started here.
pub(crate) fn end(process: u32, signal: &str) -> anyhow::Result<()> {
    let status = Command::new("kill")
        .args([&format!("-{signal}"), &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .context("kill")?;
    // It may have ended by itself meanwhile.
    if !status.success() && std::path::Path::new(&format!("/proc/{process}")).exists() {
        bail!("process {process} could not be ended");
    }
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}
