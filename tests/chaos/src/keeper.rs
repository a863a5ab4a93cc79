//! Who keeps `up` running and kills it: with `kill -9` at moments drawn by lot, at least every three seconds.
//!
//! Start at [`keep`]. In between the disk fills up: then `up` has to say so, may end by itself with that word, and must
//! go on once there is room.

use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep};

use crate::disk::Way;
use crate::process::{Running, Said};
use crate::stage::Stage;
use crate::tally::Tally;

/// From one kill to the next at most, ms.
const EVERY_MS: u64 = 3_000;

/// The longest that nobody keeps it running, ms. Part of the above.
const DOWN_MS: u64 = 400;

/// How long `up` may take to notice that its disk is full, or that it is not any more. It writes at each fill, and
/// prices move all the time.
const TO_NOTICE: Duration = Duration::from_secs(60);

/// How many lives a disk stays full at least.
const FULL_LIVES: u32 = 2;

/// Times at which somebody was told that the disk takes nothing: `up` tells it once until it can write again.
pub(crate) const REFUSED_WRITES: &str = "refused writes";

/// What it keeps running, and how.
pub(crate) struct Keeper<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) tally: &'a Tally,
    pub(crate) random: ChaCha8Rng,
    /// How often it has to be killed at least.
    pub(crate) kills: u64,
}

impl Keeper<'_> {
    /// Kills and starts until the end, and longer if there were not enough kills. It is down then.
    pub(crate) async fn keep(mut self, end: Instant) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut ways = self.stage.disk.ways();
        let parts = u32::try_from(ways.len())? + 1;
        let part = end.duration_since(begin) / parts;
        let mut next = begin + part;
        while Instant::now() < end || self.tally.of("kills") < self.kills || !ways.is_empty() {
            let full = (Instant::now() >= next).then(|| ways.pop()).flatten();
            match full {
                Some(way) => {
                    next += part;
                    self.fill_up(way)
                        .await
                        .with_context(|| format!("with {}", way.word()))?;
                }
                None => self.live().await?,
            }
        }
        Ok(())
    }

    /// One ordinary life.
    async fn live(&mut self) -> anyhow::Result<()> {
        let mut up = self.start(None).await?;
        match self.live_on(&mut up).await? {
            None => drop(self.kill(up).await?),
            Some(status) => self.allow(status, &up.last_words().await?, false)?,
        }
        self.stay_down().await;
        Ok(())
    }

    /// Starts it until it is up.
    async fn come_up(&mut self) -> anyhow::Result<Running> {
        loop {
            let mut up = self.start(None).await?;
            if up.line_with("up:").await.is_ok() {
                return Ok(up);
            }
            let status = up.ended().await?;
            self.allow(status, &up.last_words().await?, false)?;
        }
    }

    /// Whether it may end by itself like that: where its disk is full, if it says so, and where somebody else holds
    /// its folder. An operator's command does while nobody else does, and the exchange may let it wait.
    fn allow(&self, status: ExitStatus, said: &Said, is_full: bool) -> anyhow::Result<()> {
        self.tally.add(REFUSED_WRITES, said.full);
        if status.code() == Some(2) && said.held {
            self.tally.count("starts refused");
            return Ok(());
        }
        ensure!(
            is_full && status.code() == Some(1) && said.full > 0,
            "`up` ended by itself, {status}; its log is the last one"
        );
        self.tally.count("disk full: ended saying so");
        Ok(())
    }

    async fn start(&self, size_limit: Option<u64>) -> anyhow::Result<Running> {
        self.tally.count("starts");
        self.stage.up(size_limit).await
    }

    /// Lets it live for a while, or until it ends by itself.
    async fn live_on(&mut self, up: &mut Running) -> anyhow::Result<Option<ExitStatus>> {
        // Half of them die young, some before they are up.
        let longest = EVERY_MS - DOWN_MS;
        let life = if self.random.random_bool(0.5) {
            self.random.random_range(30..1_000)
        } else {
            self.random.random_range(1_000..=longest)
        };
        tokio::select! {
            () = sleep(Duration::from_millis(life)) => Ok(None),
            ended = up.ended() => ended.map(Some),
        }
    }

    async fn kill(&self, up: Running) -> anyhow::Result<Said> {
        let said = up.kill().await?;
        self.tally.count("kills");
        self.tally.add(REFUSED_WRITES, said.full);
        Ok(said)
    }

    async fn stay_down(&mut self) {
        if self.random.random_bool(0.5) {
            let down = self.random.random_range(0..DOWN_MS);
            sleep(Duration::from_millis(down)).await;
        }
    }

    /// A disk that fills up while `up` runs, stays full over a few lives, and has room again.
    async fn fill_up(&mut self, way: Way) -> anyhow::Result<()> {
        self.tally.count(&format!("disk full: {}", way.word()));
        let mut up = self.come_up().await?;
        let limit = self.size_limit(way);
        self.take_room(way, &up, limit).await?;
        let deadline = Instant::now() + TO_NOTICE;
        let mut lives = 0;
        loop {
            let ended = self.live_on(&mut up).await?;
            lives += 1;
            let is_long = lives > FULL_LIVES;
            match ended {
                Some(status) => {
                    self.allow(status, &up.last_words().await?, true)?;
                    if is_long {
                        return self.give_room(way, None).await;
                    }
                }
                None if is_long && up.said().full > 0 => return self.recover(way, up).await,
                None => drop(self.kill(up).await?),
            }
            ensure!(
                Instant::now() < deadline,
                "`up` does not notice that its disk is full"
            );
            self.stay_down().await;
            up = self.start(limit).await?;
        }
    }

    /// There is room again while it runs: it has to go on by itself.
    async fn recover(&self, way: Way, mut up: Running) -> anyhow::Result<()> {
        self.give_room(way, Some(&up)).await?;
        if way == Way::Space || self.stage.disk.limits_the_running() {
            let writes_again = |said: &Said| (said.room > 0).then_some(());
            up.until_said("that it writes again", TO_NOTICE, writes_again)
                .await?;
            self.tally.count("disk full: wrote again by itself");
        }
        self.kill(up).await.map(drop)
    }

    /// How large a file may be at most: somewhere within the write-ahead log.
    fn size_limit(&mut self, way: Way) -> Option<u64> {
        let bytes = self.random.random_range(0..1_000_000);
        (way == Way::Size).then_some(bytes)
    }

    async fn take_room(&self, way: Way, up: &Running, limit: Option<u64>) -> anyhow::Result<()> {
        let disk = &self.stage.disk;
        match way {
            Way::Space => disk.fill().await,
            Way::Size if disk.limits_the_running() => disk.limit(&up.id()?, limit).await,
            // The next ones are started under the limit.
            Way::Size => Ok(()),
        }
    }

    async fn give_room(&self, way: Way, up: Option<&Running>) -> anyhow::Result<()> {
        let disk = &self.stage.disk;
        match (way, up) {
            (Way::Space, _) => disk.empty().await,
            (Way::Size, Some(up)) if disk.limits_the_running() => disk.limit(&up.id()?, None).await,
            (Way::Size, _) => Ok(()),
        }
    }
}
