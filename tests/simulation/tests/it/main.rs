//! The named cases: everything that has ever broken a grid bot, each as a test that tells its story.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test shall stop at whatever is not as it expects"
)]

mod founding;
