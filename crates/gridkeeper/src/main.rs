//! The gridkeeper command.

fn main() {}
