//! Build and check commands.

fn main() {}
