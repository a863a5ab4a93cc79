//! What waits to be sent: bounded, one batch under way at a time, nothing lost silently.
//!
//! Executions wait in order. Requests to compare wait in a map by what they are about, so however
//! many causes there are, each account waits there once. What does not fit becomes such a request.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::{AccountId, BotId, Execution, LocalTime};
use trading::{Message, QueueError, SECOND_RECONCILE};

use crate::backoff::Backoff;
use crate::{Config, MAX_BATCH, Moment, Outgoing};

/// How often a report is tried before its account is compared with the exchange instead. By then
/// minutes have passed, and a report that only this queue refuses must not block it for ever.
const MAX_TRIES: u32 = 8;

/// When a comparison is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// At once.
    Now,
    /// When what happened just before is visible to queries.
    Later,
}

type Subject = (AccountId, Option<BotId>, When);

#[derive(Debug, Clone)]
enum Waiting {
    Execution {
        execution: Box<Execution>,
        received_at: LocalTime,
        arrived: Duration,
        tries: u32,
    },
    Reconcile {
        subject: Subject,
        why: String,
    },
}

impl Waiting {
    fn outgoing(&self) -> Outgoing {
        match self {
            Self::Execution {
                execution,
                received_at,
                ..
            } => Outgoing {
                message: Message::Execution {
                    execution: execution.clone(),
                    received_at: *received_at,
                },
                delay: Duration::ZERO,
            },
            Self::Reconcile {
                subject: (account, bot, when),
                why,
            } => Outgoing {
                message: Message::Reconcile {
                    account: account.clone(),
                    bot: bot.clone(),
                    why: why.clone(),
                },
                delay: match when {
                    When::Now => Duration::ZERO,
                    When::Later => SECOND_RECONCILE,
                },
            },
        }
    }
}

/// Whether there was room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    None,
}

#[derive(Debug, Default)]
pub(crate) struct Outbox {
    executions: VecDeque<Waiting>,
    reconciles: BTreeMap<Subject, String>,
    under_way: Vec<Waiting>,
    backoff: Backoff,
}

impl Outbox {
    /// Takes a report in. Without room it becomes a request to compare the account.
    pub(crate) fn execution(
        &mut self,
        execution: Box<Execution>,
        now: Moment,
        config: &Config,
    ) -> Room {
        if self.executions.len() >= config.buffer {
            let account = execution.account.clone();
            self.reconcile(
                account,
                None,
                When::Now,
                "the bridge's buffer was full",
                config,
            );
            return Room::None;
        }
        self.executions.push_back(Waiting::Execution {
            execution,
            received_at: now.wall,
            arrived: now.elapsed,
            tries: 0,
        });
        Room::Enough
    }

    /// Takes a request to compare in. Bots are as many as anybody cares to type ids for, so beyond
    /// the buffer's size they are no longer told apart; accounts are ours.
    pub(crate) fn reconcile(
        &mut self,
        account: AccountId,
        bot: Option<BotId>,
        when: When,
        why: &str,
        config: &Config,
    ) {
        let bot = bot.filter(|_| self.reconciles.len() < config.buffer);
        self.reconciles
            .entry((account, bot, when))
            .or_insert_with(|| why.to_owned());
    }

    /// The next batch, if there is something to send and nothing is under way. One place in it is
    /// kept for a request to compare, so that a flood of executions cannot hold those up.
    pub(crate) fn next_batch(&mut self, now: Moment) -> Option<Vec<Outgoing>> {
        if !self.under_way.is_empty() || !self.backoff.ready(now) {
            return None;
        }
        let kept = usize::from(!self.reconciles.is_empty());
        let executions = self.executions.len().min(MAX_BATCH.saturating_sub(kept));
        self.under_way.extend(self.executions.drain(..executions));
        while self.under_way.len() < MAX_BATCH
            && let Some((subject, why)) = self.reconciles.pop_first()
        {
            self.under_way.push(Waiting::Reconcile { subject, why });
        }
        (!self.under_way.is_empty()).then(|| self.under_way.iter().map(Waiting::outgoing).collect())
    }

    /// Takes the outcomes of the batch under way. Whatever has no good outcome waits again.
    pub(crate) fn settle(
        &mut self,
        outcomes: &[Result<(), QueueError>],
        now: Moment,
        config: &Config,
    ) -> Settled {
        let batch = std::mem::take(&mut self.under_way);
        let total = batch.len();
        let (mut failed, mut delays) = (Vec::new(), Vec::new());
        for (at, waiting) in batch.into_iter().enumerate() {
            match (outcomes.get(at), waiting) {
                (Some(Ok(())), Waiting::Execution { arrived, .. }) => {
                    delays.push(now.elapsed.saturating_sub(arrived));
                }
                (Some(Ok(())), Waiting::Reconcile { .. }) => {}
                (Some(Err(_)) | None, waiting) => failed.push(waiting),
            }
        }
        let settled = Settled {
            taken: total.saturating_sub(failed.len()),
            failed: failed.len(),
            delays,
        };
        if settled.taken > 0 || total == 0 {
            self.backoff.reset();
        }
        if settled.failed > 0 {
            self.backoff.fail(now, config);
        }
        // From the back, so that the front of the line keeps its order.
        for waiting in failed.into_iter().rev() {
            self.wait_again(waiting, config);
        }
        settled
    }

    /// How many messages wait, those under way included.
    pub(crate) fn len(&self) -> usize {
        self.executions
            .len()
            .saturating_add(self.reconciles.len())
            .saturating_add(self.under_way.len())
    }

    fn wait_again(&mut self, waiting: Waiting, config: &Config) {
        match waiting {
            Waiting::Reconcile { subject, why } => {
                self.reconciles.entry(subject).or_insert(why);
            }
            Waiting::Execution {
                execution, tries, ..
            } if tries.saturating_add(1) >= MAX_TRIES => {
                let why = "the queue did not take a report";
                self.reconcile(execution.account, None, When::Now, why, config);
            }
            Waiting::Execution {
                execution,
                received_at,
                arrived,
                tries,
            } => self.executions.push_front(Waiting::Execution {
                execution,
                received_at,
                arrived,
                tries: tries.saturating_add(1),
            }),
        }
    }
}

/// How a batch went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Messages the queue took.
    pub(crate) taken: usize,
    /// Messages that wait again.
    pub(crate) failed: usize,
    /// How long each report among those taken had waited.
    pub(crate) delays: Vec<Duration>,
}
