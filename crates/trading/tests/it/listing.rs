//! Listings of records of which one cannot be read.

use trading::{Listing, StoreError};

fn one_of_three_damaged() -> Listing<u8> {
    let damaged = StoreError::Corrupt {
        key: "LEVEL#0002".to_owned(),
        detail: "not a level".to_owned(),
    };
    Listing::from_iter([Ok(1), Err(damaged), Ok(3)])
}

#[test]
fn a_record_that_cannot_be_read_hides_none_of_the_others() {
    assert_eq!(one_of_three_damaged().warn_of_unreadable(), [1, 3]);
}

#[test]
fn whoever_needs_all_records_is_told_of_the_one_that_cannot_be_read() {
    let error = one_of_three_damaged()
        .all()
        .map_err(|error| error.to_string());
    assert!(error.is_err_and(|text| text.contains("LEVEL#0002")));
    let whole: Listing<u8> = Listing::from_iter([Ok(1), Ok(2)]);
    assert_eq!(whole.all().ok(), Some(vec![1, 2]));
}
