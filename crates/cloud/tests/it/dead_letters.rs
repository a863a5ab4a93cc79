//! Dead letters: looked at without being taken, sent back before they are deleted.

use std::time::Duration;

use cloud::{DeadLetterQueue, DeadLetters, QueueDepth, Redriven};
use domain::LocalTime;

use crate::sqs::Sqs;

const HOLD: Duration = Duration::from_secs(60);
const FILLS: DeadLetterQueue = DeadLetterQueue::Fills;

async fn of_stack(sqs: &Sqs) -> DeadLetters {
    let letters = DeadLetters::of_stack(sqs.client(), "grids").await.unwrap();
    sqs.take_asked();
    letters
}

#[tokio::test]
async fn a_look_sees_all_of_them_and_leaves_them_where_they_are() {
    let sqs = Sqs::start().await;
    for number in 0..23 {
        sqs.put(
            "grids-fills-dead",
            &format!("m{number}"),
            &format!("body {number}"),
        );
    }
    let letters = of_stack(&sqs).await;
    let depth = letters.depth(FILLS).await.unwrap();
    assert_eq!(
        depth,
        QueueDepth {
            waiting: 23,
            ..QueueDepth::default()
        }
    );
    let seen = letters.take(FILLS, 1_000, HOLD).await.unwrap();
    assert_eq!(seen.len(), 23);
    let one = seen.iter().find(|letter| letter.id == "m7").unwrap();
    assert_eq!((one.body.as_str(), one.receives), ("body 7", 11));
    assert_eq!(one.sent_at, Some(LocalTime::from_millis(1_790_000_000_000)));
    assert_eq!(letters.depth(FILLS).await.unwrap().in_flight, 23);
    letters.give_back(&seen).await.unwrap();
    assert_eq!(letters.depth(FILLS).await.unwrap(), depth);
    assert_eq!(
        letters.take(FILLS, 5, HOLD).await.unwrap().len(),
        5,
        "no more than asked for"
    );
}

#[tokio::test]
async fn a_look_that_fails_midway_gives_back_what_it_had() {
    let sqs = Sqs::start().await;
    for number in 0..12 {
        sqs.put("grids-fills-dead", &format!("m{number}"), "body");
    }
    let letters = of_stack(&sqs).await;
    sqs.refuse_after(1, "ReceiveMessage");
    let looked = letters.take(FILLS, 1_000, HOLD).await;
    let error = looked.unwrap_err().to_string();
    assert!(error.contains("refused by the test"), "{error}");
    let asked = sqs.take_asked();
    assert_eq!(
        asked.last().unwrap(),
        "ChangeMessageVisibilityBatch",
        "{asked:?}"
    );
    assert!(
        sqs.bodies("grids-fills-dead")
            .iter()
            .all(|(_, visible)| *visible)
    );
}

#[tokio::test]
async fn a_letter_is_on_its_queue_before_it_is_deleted() {
    let sqs = Sqs::start().await;
    sqs.put("grids-fills-dead", "m1", "a report");
    let letters = of_stack(&sqs).await;
    let seen = letters.take(FILLS, 10, HOLD).await.unwrap();
    sqs.take_asked();
    assert_eq!(letters.redrive(&seen[0]).await, Redriven::Sent);
    assert_eq!(sqs.take_asked(), ["SendMessage", "DeleteMessage"]);
    assert_eq!(sqs.bodies("grids-fills"), [("a report".to_owned(), true)]);
    assert_eq!(sqs.bodies("grids-fills-dead"), []);
}

#[tokio::test]
async fn a_letter_that_its_queue_does_not_take_stays() {
    let sqs = Sqs::start().await;
    sqs.put("grids-reconcile-dead", "m1", "a comparison");
    let letters = of_stack(&sqs).await;
    let seen = letters
        .take(DeadLetterQueue::Reconcile, 10, HOLD)
        .await
        .unwrap();
    sqs.refuse_after(0, "SendMessage");
    let Redriven::Kept(error) = letters.redrive(&seen[0]).await else {
        panic!("it was not taken");
    };
    assert!(error.to_string().contains("refused by the test"), "{error}");
    assert_eq!(sqs.bodies("grids-reconcile-dead").len(), 1);
    // Whatever ends between the two requests leaves it in both.
    sqs.refuse_after(0, "DeleteMessage");
    let redriven = letters.redrive(&seen[0]).await;
    assert!(matches!(redriven, Redriven::SentAndKept(_)), "{redriven:?}");
    assert_eq!(sqs.bodies("grids-reconcile-dead").len(), 1);
    assert_eq!(sqs.bodies("grids-reconcile").len(), 1);
}

#[tokio::test]
async fn a_call_of_the_schedule_goes_back_to_no_queue() {
    let sqs = Sqs::start().await;
    sqs.put("grids-schedule-dead", "m1", "{}");
    let letters = of_stack(&sqs).await;
    let seen = letters
        .take(DeadLetterQueue::Schedule, 10, HOLD)
        .await
        .unwrap();
    sqs.take_asked();
    assert!(matches!(letters.redrive(&seen[0]).await, Redriven::Kept(_)));
    assert_eq!(sqs.take_asked(), [""; 0]);
    letters.delete(&seen[0]).await.unwrap();
    assert_eq!(sqs.bodies("grids-schedule-dead"), []);
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named() {
    let sqs = Sqs::start().await;
    let found = DeadLetters::of_stack(sqs.client(), "other").await;
    let error = found.unwrap_err().to_string();
    assert!(
        error.contains("other-fills") && error.contains("no such queue"),
        "{error}"
    );
}
