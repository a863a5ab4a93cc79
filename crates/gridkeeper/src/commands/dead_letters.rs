//! `gridkeeper --aws dead-letters`: what could not be handled, what it is about, and what becomes of it.
//!
//! Start at [`dead_letters`]. Looking takes nothing away. Sending a letter back changes nothing that is booked: the road
//! it takes is the one of every report.

mod about;
mod judge;

use std::collections::BTreeSet;
use std::time::Duration;

use cloud::{DeadLetter, DeadLetterQueue, DeadLetters, QueueDepth, Redriven};
use domain::LocalTime;
use serde::Serialize;
use trading::QueueError;

use self::about::About;
use self::judge::{Judgement, judge};
use super::Session;
use crate::cli::{DeadLettersCommand, DropArgs, RedriveArgs};
use crate::failure::{Exit, Failure, Outcome};
use crate::home::Place;
use crate::table::{Align, Table, ago, count, count_of, when};

/// How many letters of a queue are looked at.
const MOST: usize = 1_000;

/// How long letters are kept from others while they are looked at. They are given back before that.
const LOOK: Duration = Duration::from_secs(60);

/// The same while they are sent back or dropped, which is two requests each.
const WORK: Duration = Duration::from_secs(600);

pub(super) async fn dead_letters(
    session: &mut Session<'_>,
    command: &DeadLettersCommand,
) -> Outcome {
    let (letters, stack) = match session.home.place() {
        Place::Cloud(deployment) => (deployment.dead_letters().await?, deployment.stack()),
        // `carry_out` lets nobody come here without a deployment.
        Place::Folder(_) => return Err(Failure::bad_input("no deployment is named").at("--aws")),
    };
    let stack = stack.to_owned();
    match command {
        DeadLettersCommand::List => list(session, &letters, &stack).await,
        DeadLettersCommand::Show(letter) => show(session, &letters, &stack, &letter.id).await,
        DeadLettersCommand::Redrive(args) => redrive(session, &letters, args).await,
        DeadLettersCommand::Drop(args) => drop_for_good(session, &letters, args).await,
    }
}

fn unanswered(error: &QueueError) -> Failure {
    Failure::refused(format!("the dead letters: {error}"))
        .mend("run the command again; nothing was taken away")
}

/// One letter, as `list` tells it.
#[derive(Serialize)]
struct Listed {
    id: String,
    sent_at: Option<LocalTime>,
    receives: u32,
    #[serde(flatten)]
    about: About,
}

impl Listed {
    fn of(letter: &DeadLetter) -> Self {
        Self {
            id: letter.id.clone(),
            sent_at: letter.sent_at,
            receives: letter.receives,
            about: About::of(letter),
        }
    }
}

/// One queue, as `list` tells it.
#[derive(Serialize)]
struct OfQueue {
    queue: String,
    letters: u64,
    /// Those that somebody else holds now, and are not listed.
    held_by_others: u64,
    oldest_sent_at: Option<LocalTime>,
    listed: Vec<Listed>,
}

impl OfQueue {
    fn of(name: String, depth: QueueDepth, letters: &[DeadLetter]) -> Self {
        let listed: Vec<Listed> = letters.iter().map(Listed::of).collect();
        let counted = u64::try_from(letters.len()).unwrap_or(u64::MAX);
        Self {
            queue: name,
            // SQS counts approximately, and not less than what was seen.
            letters: depth.waiting.max(counted),
            held_by_others: depth.in_flight,
            oldest_sent_at: letters.iter().filter_map(|letter| letter.sent_at).min(),
            listed,
        }
    }
}

async fn list(session: &mut Session<'_>, letters: &DeadLetters, stack: &str) -> Outcome {
    let mut queues = Vec::new();
    for queue in DeadLetterQueue::ALL {
        // Before the look, during which they count as received.
        let depth = letters.depth(queue).await;
        let depth = depth.map_err(|error| unanswered(&error))?;
        let seen = letters.take(queue, MOST, LOOK).await;
        let seen = seen.map_err(|error| unanswered(&error))?;
        queues.push(OfQueue::of(queue.name(stack), depth, &seen));
        give_back(session, letters, &seen).await?;
    }
    if session.json {
        session.write_json(&queues)?;
        return Ok(Exit::Yes);
    }
    for queue in &queues {
        write_queue(session, queue)?;
    }
    if queues.iter().any(|queue| !queue.listed.is_empty()) {
        writeln!(
            session.out,
            "\n`gridkeeper --aws dead-letters show ID` says what one would do, `redrive ID` sends it back"
        )?;
    }
    Ok(Exit::Yes)
}

fn write_queue(session: &mut Session<'_>, queue: &OfQueue) -> Result<(), Failure> {
    let now = session.now();
    let oldest = queue.oldest_sent_at.map(|at| ago(at, now));
    let oldest = oldest.map_or_else(String::new, |ago| format!(", the oldest sent {ago}"));
    let held = match queue.held_by_others {
        0 => String::new(),
        held => format!(", {held} more held by somebody who looks at them"),
    };
    let letters = match queue.letters {
        0 => "none".to_owned(),
        letters => count(letters, "letter"),
    };
    writeln!(session.out, "{}: {letters}{oldest}{held}", queue.queue)?;
    if queue.listed.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[
        ("id", Align::Left),
        ("sent", Align::Left),
        ("received", Align::Right),
        ("about", Align::Left),
    ]);
    for letter in &queue.listed {
        table.row(vec![
            letter.id.clone(),
            letter.sent_at.map_or_else(String::new, |at| ago(at, now)),
            letter.receives.to_string(),
            letter.about.words(),
        ]);
    }
    table.write(session.out, 2)?;
    let more = queue
        .letters
        .saturating_sub(u64::try_from(queue.listed.len()).unwrap_or(u64::MAX));
    if more > 0 {
        writeln!(session.out, "  and {more} more")?;
    }
    Ok(())
}

/// Lets others see letters again. That it failed changes nothing but for how long they are hidden.
async fn give_back(
    session: &mut Session<'_>,
    letters: &DeadLetters,
    seen: &[DeadLetter],
) -> Result<(), Failure> {
    if let Err(error) = letters.give_back(seen).await
        && !session.json
    {
        writeln!(
            session.out,
            "  they are to be seen again only in {} minutes: {error}",
            WORK.as_secs() / 60
        )?;
    }
    Ok(())
}

/// All letters there are, held for so long.
async fn all(letters: &DeadLetters, hold: Duration) -> Result<Vec<DeadLetter>, Failure> {
    let mut found = Vec::new();
    for queue in DeadLetterQueue::ALL {
        match letters.take(queue, MOST, hold).await {
            Ok(here) => found.extend(here),
            Err(error) => {
                // What cannot be given back either comes back by itself.
                return match letters.give_back(&found).await {
                    Ok(()) | Err(_) => Err(unanswered(&error)),
                };
            }
        }
    }
    Ok(found)
}

/// The letters of these ids, held; all others are given back at once.
async fn find(
    session: &mut Session<'_>,
    letters: &DeadLetters,
    ids: &[String],
    hold: Duration,
) -> Result<Vec<DeadLetter>, Failure> {
    let wanted: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    let (found, others): (Vec<DeadLetter>, Vec<DeadLetter>) = all(letters, hold)
        .await?
        .into_iter()
        .partition(|letter| wanted.contains(letter.id.as_str()));
    give_back(session, letters, &others).await?;
    let missing = |id: &&&str| !found.iter().any(|letter| letter.id == **id);
    if let Some(id) = wanted.iter().find(missing) {
        let failure = Failure::bad_input(format!("there is no dead letter {id}"))
            .at(session.home.place())
            .mend(
                "`gridkeeper --aws dead-letters list` shows all; one that somebody else looks at is hidden meanwhile",
            );
        give_back(session, letters, &found).await?;
        return Err(failure);
    }
    Ok(found)
}

/// A letter, as `show` tells it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    listed: Listed,
    queue: String,
    came_from: Option<String>,
    #[serde(flatten)]
    judgement: Judgement,
    body: &'a str,
}

async fn show(session: &mut Session<'_>, letters: &DeadLetters, stack: &str, id: &str) -> Outcome {
    let found = find(session, letters, &[id.to_owned()], LOOK).await?;
    give_back(session, letters, &found).await?;
    for letter in &found {
        let shown = Shown {
            listed: Listed::of(letter),
            queue: letter.queue.name(stack),
            came_from: letter.queue.source(stack),
            judgement: judge(session.home.store(), letter).await,
            body: &letter.body,
        };
        if session.json {
            session.write_json(&shown)?;
        } else {
            write_shown(session, &shown)?;
        }
    }
    Ok(Exit::Yes)
}

fn write_shown(session: &mut Session<'_>, shown: &Shown<'_>) -> Result<(), Failure> {
    let now = session.now();
    let sent = shown.listed.sent_at.map_or_else(
        || "not known".to_owned(),
        |at| format!("{} ({})", when(at), ago(at, now)),
    );
    let from = shown.came_from.as_ref();
    let from = from.map_or_else(String::new, |from| format!(", from {from}"));
    let out = &mut session.out;
    writeln!(out, "dead letter {}", shown.listed.id)?;
    writeln!(out, "  queue      {}{from}", shown.queue)?;
    writeln!(out, "  sent       {sent}")?;
    let times = count(shown.listed.receives, "time");
    writeln!(out, "  received   {times}, looks at it included")?;
    writeln!(out, "  about      {}", shown.listed.about.words())?;
    writeln!(out, "  known      {}", shown.judgement.known.words())?;
    writeln!(out, "  sent back  {}", shown.judgement.would)?;
    writeln!(out, "  body\n{}", shown.body)?;
    Ok(())
}

/// A letter of which something did not become what was asked for.
#[derive(Serialize)]
struct Left {
    id: String,
    why: String,
}

#[derive(Default, Serialize)]
struct Done {
    done: Vec<String>,
    failed: Vec<Left>,
    skipped: Vec<Left>,
}

async fn redrive(session: &mut Session<'_>, letters: &DeadLetters, args: &RedriveArgs) -> Outcome {
    // All are known before the first is sent: one that fails again soon lies here again, and would be sent for ever.
    let found = if args.all {
        all(letters, WORK).await?
    } else {
        find(session, letters, &args.ids, WORK).await?
    };
    let (mut done, mut kept) = (Done::default(), Vec::new());
    for letter in found {
        let id = letter.id.clone();
        if let Some(why) = not_sent_back(&letter, args.all) {
            done.skipped.push(Left { id, why });
            kept.push(letter);
            continue;
        }
        match letters.redrive(&letter).await {
            Redriven::Sent => done.done.push(id),
            Redriven::SentAndKept(error) => {
                let why = format!(
                    "it is on its queue, and was not deleted here, which is harmless: {error}"
                );
                done.failed.push(Left { id, why });
                kept.push(letter);
            }
            Redriven::Kept(error) => {
                let why = format!("it was not sent back: {error}");
                done.failed.push(Left { id, why });
                kept.push(letter);
            }
        }
    }
    give_back(session, letters, &kept).await?;
    tell(session, &done, "sent back to the queue they came from")
}

/// Why a letter is not sent back.
fn not_sent_back(letter: &DeadLetter, all: bool) -> Option<String> {
    if letter.queue == DeadLetterQueue::Schedule {
        return Some(
            "the schedule calls recovery again by itself; drop the letter once you have read it"
                .to_owned(),
        );
    }
    let problem = About::of(letter).problem.filter(|_| all)?;
    Some(format!(
        "it cannot be read and would only come back ({problem}); by its id alone it is sent all the same"
    ))
}

async fn drop_for_good(
    session: &mut Session<'_>,
    letters: &DeadLetters,
    args: &DropArgs,
) -> Outcome {
    if !args.yes {
        return Err(Failure::bad_input(
            "a dropped letter cannot be had back, and nothing was dropped",
        )
        .at("the command line")
        .mend("look at it with `dead-letters show ID`; then give --yes"));
    }
    let found = find(session, letters, &args.ids, WORK).await?;
    let (mut done, mut kept) = (Done::default(), Vec::new());
    for letter in found {
        let id = letter.id.clone();
        match letters.delete(&letter).await {
            Ok(()) => done.done.push(id),
            Err(error) => {
                let why = format!("it may still be here: {error}");
                done.failed.push(Left { id, why });
                kept.push(letter);
            }
        }
    }
    give_back(session, letters, &kept).await?;
    tell(session, &done, "dropped")
}

fn tell(session: &mut Session<'_>, done: &Done, what: &str) -> Outcome {
    if session.json {
        session.write_json(done)?;
    } else {
        for (word, left) in [("skipped", &done.skipped), ("failed", &done.failed)] {
            for left in left {
                writeln!(session.out, "{word} {}: {}", left.id, left.why)?;
            }
        }
        let letters = match done.done.len() {
            0 => "no letters".to_owned(),
            number => count_of(number, "letter"),
        };
        writeln!(session.out, "{letters} {what}")?;
    }
    Ok(if done.failed.is_empty() {
        Exit::Yes
    } else {
        Exit::No
    })
}
