//! Processes that end with the run, however it ends.
//!
//! Start at [`Running::start`]. Each is ended by its own id; nothing else on the machine is touched. What a process
//! says goes through a pipe into a file, so that a full disk keeps nobody from saying so.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// With these words a process says that its data folder takes nothing.
pub const FULL: &str = "cannot be written";

/// With these it says that it does again.
pub const ROOM: &str = "can be written again";

/// With these it says that another process holds the folder.
const HELD: &str = "is in use by";

/// How long a process may take to go once it was asked or killed.
const TO_GO: Duration = Duration::from_secs(60);

/// What a process has said so far.
#[derive(Debug, Default, Clone)]
pub struct Said {
    /// Its standard output, line by line.
    pub out: Vec<String>,
    /// How often it said that its folder takes nothing.
    pub full: u64,
    /// How often it said that it does again.
    pub room: u64,
    /// Whether it said that another process holds its folder.
    pub held: bool,
    /// Whether one of its threads panicked.
    panicked: bool,
}

impl Said {
    fn hear(&mut self, line: &str, is_out: bool) {
        if is_out {
            self.out.push(line.to_owned());
        }
        self.full += u64::from(line.contains(FULL));
        self.room += u64::from(line.contains(ROOM));
        self.held |= line.contains(HELD);
        self.panicked |= line.contains("panicked at");
    }
}

/// A started process, killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: watch::Receiver<Said>,
    listening: JoinSet<()>,
    log: PathBuf,
}

impl Running {
    /// Starts a command; what it says goes to a file.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        // In a group of its own: Ctrl-C at a terminal is for us, and we end what we started.
        command
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let file = File::create(log).with_context(|| format!("{} not created", log.display()))?;
        let mut child = command
            .spawn()
            .with_context(|| format!("{command:?} did not start"))?;
        let out = child.stdout.take().context("a process without output")?;
        let err = child.stderr.take().context("a process without errors")?;
        let (tell, said) = watch::channel(Said::default());
        let (write, lines) = mpsc::unbounded_channel();
        let mut listening = JoinSet::new();
        listening.spawn(listen(out, true, tell.clone(), write.clone()));
        listening.spawn(listen(err, false, tell, write));
        listening.spawn(write_down(file, lines));
        Ok(Self {
            child,
            said,
            listening,
            log: log.to_owned(),
        })
    }

    /// Waits until it has said what is wanted, and gives that.
    ///
    /// # Errors
    /// When it does not say so in time.
    pub async fn until_said<T>(
        &mut self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Said) -> Option<T>,
    ) -> anyhow::Result<T> {
        let heard = self.said.wait_for(|said| wanted(said).is_some());
        let found = match timeout(patience, heard).await {
            Ok(Ok(said)) => wanted(&said),
            // It ended, or time is up.
            Ok(Err(_)) | Err(_) => None,
        };
        found.with_context(|| format!("{} does not say {what}", self.log.display()))
    }

    /// Waits for a line of its output that holds these words.
    ///
    /// # Errors
    /// When it does not say so in time.
    pub async fn line_with(&mut self, words: &str) -> anyhow::Result<String> {
        let has = |said: &Said| said.out.iter().find(|line| line.contains(words)).cloned();
        self.until_said(words, TO_GO, has).await
    }

    /// What it has said so far.
    #[must_use]
    pub fn said(&self) -> Said {
        self.said.borrow().clone()
    }

    /// Its id.
    ///
    /// # Errors
    /// When it has ended.
    pub fn id(&self) -> anyhow::Result<String> {
        let id = self.child.id().context("a process that has ended")?;
        Ok(id.to_string())
    }

    /// Waits until it ends by itself. May be given up and asked for again.
    ///
    /// # Errors
    /// When its end cannot be learnt.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let status = self.child.wait().await;
        status.with_context(|| format!("{}: its end is not known", self.log.display()))
    }

    /// Kills it at once (SIGKILL), waits until it is gone, and gives all it said. It must have been alive.
    ///
    /// # Errors
    /// When it had ended by itself, or panicked.
    pub async fn kill(mut self) -> anyhow::Result<Said> {
        if let Some(status) = self.child.try_wait().context("its state is not known")? {
            bail!("{}: it had ended by itself, {status}", self.log.display());
        }
        self.child.start_kill().context("it cannot be killed")?;
        self.gone().await?;
        self.last_words().await
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    /// When it does not end, or panicked.
    pub async fn end(mut self) -> anyhow::Result<ExitStatus> {
        let id = self.id()?;
        let asked = Command::new("kill").args(["-TERM", &id]).status().await?;
        ensure!(asked.success(), "process {id} could not be asked to end");
        let status = self.gone().await?;
        self.last_words().await?;
        Ok(status)
    }

    async fn gone(&mut self) -> anyhow::Result<ExitStatus> {
        let gone = timeout(TO_GO, self.child.wait()).await;
        let gone = gone.with_context(|| format!("{} does not end", self.log.display()))?;
        gone.context("its end is not known")
    }

    /// Everything a process that has ended said; none of it may be a panic.
    ///
    /// # Errors
    /// When it panicked.
    pub async fn last_words(mut self) -> anyhow::Result<Said> {
        while self.listening.join_next().await.is_some() {}
        let said = self.said();
        ensure!(!said.panicked, "{}: it panicked", self.log.display());
        Ok(said)
    }
}

/// Hears one output to its end.
async fn listen(
    from: impl AsyncRead + Unpin,
    is_out: bool,
    tell: watch::Sender<Said>,
    write: mpsc::UnboundedSender<String>,
) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tell.send_modify(|said| said.hear(&line, is_out));
        // Nobody writes any more: what is said still counts.
        drop(write.send(line));
    }
}

/// Writes lines into the log until nobody says anything any more.
async fn write_down(mut file: File, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if file.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}
