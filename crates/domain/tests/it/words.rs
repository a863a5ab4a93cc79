//! What people read: one word for each thing.

use std::collections::BTreeSet;

use domain::{DesiredStatus, ObservedStatus};

#[test]
fn each_status_has_a_word_of_its_own() {
    let desired = [
        DesiredStatus::Ready,
        DesiredStatus::Running,
        DesiredStatus::Paused,
        DesiredStatus::Stopped,
        DesiredStatus::StoppedAndSold,
    ];
    let words: BTreeSet<String> = desired.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), desired.len());
    let observed = [
        ObservedStatus::Ready,
        ObservedStatus::Running,
        ObservedStatus::Paused,
        ObservedStatus::Stopping,
        ObservedStatus::Stopped,
    ];
    let words: BTreeSet<String> = observed.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), observed.len());
}
