//! The queue's promises, on a clock that the tests move.

use std::sync::Arc;

use tokio::time::timeout;

use super::*;

const VISIBILITY: Duration = Duration::from_secs(60);

fn message(why: &str) -> Message {
    Message::Reconcile {
        account: "main".parse().unwrap(),
        bot: None,
        why: why.to_owned(),
    }
}

fn queue() -> LocalQueue {
    LocalQueue::new(3, VISIBILITY)
}

async fn received(queue: &LocalQueue) -> Option<Received> {
    timeout(Duration::ZERO, queue.receive()).await.ok()
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_deleted_is_gone() {
    let queue = queue();
    queue.send(&message("a"), Duration::ZERO).await.unwrap();
    let first = received(&queue).await.unwrap();
    assert_eq!(first.message, message("a"));
    assert_eq!(first.receives, 1);
    assert!(queue.delete(first.receipt));
    assert!(!queue.delete(first.receipt));
    pass(1_000).await;
    assert_eq!(received(&queue).await, None);
    assert!(queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_deleted_comes_back() {
    let queue = queue();
    queue.send(&message("a"), Duration::ZERO).await.unwrap();
    let first = received(&queue).await.unwrap();
    pass(59).await;
    assert_eq!(received(&queue).await, None);
    pass(1).await;
    let second = received(&queue).await.unwrap();
    assert_eq!((second.message, second.receives), (message("a"), 2));
    assert!(!queue.delete(first.receipt), "an old receipt is worthless");
    assert!(!queue.postpone(first.receipt, Duration::ZERO));
    assert!(queue.delete(second.receipt));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_comes_at_its_time() {
    let queue = queue();
    queue
        .send(&message("late"), Duration::from_secs(15))
        .await
        .unwrap();
    queue.send(&message("now"), Duration::ZERO).await.unwrap();
    assert_eq!(received(&queue).await.unwrap().message, message("now"));
    pass(14).await;
    assert_eq!(received(&queue).await, None);
    pass(1).await;
    assert_eq!(received(&queue).await.unwrap().message, message("late"));
}

#[tokio::test(start_paused = true)]
async fn a_postponed_message_comes_back_then() {
    let queue = queue();
    queue.send(&message("a"), Duration::ZERO).await.unwrap();
    let first = received(&queue).await.unwrap();
    assert!(queue.postpone(first.receipt, Duration::from_secs(5)));
    pass(4).await;
    assert_eq!(received(&queue).await, None);
    pass(1).await;
    assert_eq!(received(&queue).await.unwrap().receives, 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_says_so_and_takes_what_fits() {
    let queue = queue();
    let batch: Vec<Outgoing> = ["a", "b", "c", "d"]
        .map(|why| Outgoing {
            message: message(why),
            delay: Duration::ZERO,
        })
        .to_vec();
    let outcomes = queue.send_batch(&batch).await;
    assert_eq!(outcomes, [Ok(()), Ok(()), Ok(()), Err(QueueError::Full)]);
    assert_eq!(queue.len(), 3);
    let first = received(&queue).await.unwrap();
    queue.delete(first.receipt);
    assert_eq!(queue.send(&message("d"), Duration::ZERO).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_message_nobody_can_handle_becomes_a_dead_letter() {
    let queue = queue();
    queue
        .send(&message("poison"), Duration::ZERO)
        .await
        .unwrap();
    for receives in 1..=MAX_RECEIVES {
        assert_eq!(received(&queue).await.unwrap().receives, receives);
        pass(60).await;
    }
    assert_eq!(received(&queue).await, None);
    assert!(queue.is_empty());
    assert_eq!(
        queue.dead_letters(),
        [DeadLetter {
            message: message("poison"),
            receives: MAX_RECEIVES
        }]
    );
}

#[tokio::test(start_paused = true)]
async fn a_waiting_receiver_wakes_for_a_message_and_for_its_time() {
    let queue = Arc::new(queue());
    let waiting = Arc::clone(&queue);
    let (result, ()) = tokio::join!(
        async move {
            let first = waiting.receive().await.message;
            let second = waiting.receive().await.message;
            (first, second)
        },
        async {
            queue
                .send(&message("late"), Duration::from_secs(15))
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            queue.send(&message("now"), Duration::ZERO).await.unwrap();
        }
    );
    assert_eq!(result, (message("now"), message("late")));
}

#[tokio::test(start_paused = true)]
async fn two_receivers_never_hold_the_same_message() {
    let queue = queue();
    for why in ["a", "b"] {
        queue.send(&message(why), Duration::ZERO).await.unwrap();
    }
    let (one, two) = tokio::join!(queue.receive(), queue.receive());
    assert_ne!(one.receipt, two.receipt);
    assert_eq!(received(&queue).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_can_never_be_handled_is_a_dead_letter_at_once() {
    let queue = queue();
    queue.send(&message("a"), Duration::ZERO).await.unwrap();
    let first = received(&queue).await.unwrap();
    pass(60).await;
    let second = received(&queue).await.unwrap();
    assert!(!queue.bury(first.receipt), "an old receipt is worthless");
    assert!(queue.dead_letters().is_empty());
    assert!(queue.bury(second.receipt));
    assert!(!queue.bury(second.receipt));
    pass(1_000).await;
    assert_eq!(received(&queue).await, None);
    assert!(queue.is_empty());
    let letter = DeadLetter {
        message: message("a"),
        receives: 2,
    };
    assert_eq!(queue.dead_letters(), [letter]);
}
