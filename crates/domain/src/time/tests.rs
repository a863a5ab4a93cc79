//! Instants: arithmetic that neither wraps nor goes negative.

use super::*;

#[test]
fn instants_move_by_durations() {
    let noon = ExchangeTime::from_millis(1_790_000_000_000);
    let later = noon.after(Duration::from_millis(1_500));
    assert_eq!(later.as_millis(), 1_790_000_001_500);
    assert_eq!(later.before(Duration::from_millis(1_500)), noon);
    assert_eq!(later.since(noon), Duration::from_millis(1_500));
    assert_eq!(noon.since(later), Duration::ZERO);
    assert!(noon < later);
}

#[test]
fn instants_stop_at_the_ends_of_time() {
    let last = LocalTime::from_millis(i64::MAX);
    let first = LocalTime::from_millis(i64::MIN);
    assert_eq!(last.after(Duration::MAX), last);
    assert_eq!(first.before(Duration::MAX), first);
    assert_eq!(first.since(last), Duration::ZERO);
    assert_eq!(
        last.since(first),
        Duration::from_millis(u64::try_from(i64::MAX).unwrap())
    );
}

#[test]
fn an_instant_is_a_plain_number_in_records() {
    let instant = LocalTime::from_millis(1_790_000_000_000);
    assert_eq!(serde_json::to_string(&instant).unwrap(), "1790000000000");
    assert_eq!(
        serde_json::from_str::<LocalTime>("1790000000000").unwrap(),
        instant
    );
}

#[test]
fn a_time_is_written_as_a_date() {
    for (millis, says) in [
        (0, "1970-01-01 00:00:00 UTC"),
        (-1, "1969-12-31 23:59:59 UTC"),
        (951_782_400_000, "2000-02-29 00:00:00 UTC"),
        (951_868_799_999, "2000-02-29 23:59:59 UTC"),
        (1_735_689_599_000, "2024-12-31 23:59:59 UTC"),
        (1_772_366_405_000, "2026-03-01 12:00:05 UTC"),
        (4_107_542_400_000, "2100-03-01 00:00:00 UTC"),
    ] {
        assert_eq!(LocalTime::from_millis(millis).in_words(), says);
    }
}
