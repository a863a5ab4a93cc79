//! The words for dead letters.

use clap::{Args, Subcommand};

/// Dead letters.
#[derive(Debug, Clone, Subcommand)]
pub enum DeadLettersCommand {
    /// How many there are, how old, and what each is about. Takes nothing away.
    List,
    /// Show one: the whole of it, what sending it back would do, and whether the records know it already.
    Show(DeadLetterId),
    /// Send letters back to the queue they came from. What is booked already is not booked again.
    Redrive(RedriveArgs),
    /// Delete letters for good.
    Drop(DropArgs),
}

/// A dead letter by id.
#[derive(Debug, Clone, Args)]
pub struct DeadLetterId {
    /// The letter's id; `gridkeeper --aws dead-letters list` shows them.
    pub id: String,
}

/// Sending letters back.
#[derive(Debug, Clone, Args)]
pub struct RedriveArgs {
    /// The letters' ids.
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub ids: Vec<String>,
    /// All that this version can read; one that it cannot is sent back by its id alone.
    #[arg(long)]
    pub all: bool,
}

/// Dropping letters.
#[derive(Debug, Clone, Args)]
pub struct DropArgs {
    /// The letters' ids.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Needed: they cannot be had back.
    #[arg(long)]
    pub yes: bool,
}
