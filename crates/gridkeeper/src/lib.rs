//! The `gridkeeper` command: its parts as a library, so that tests and the process itself share them.
//!
//! Where to start:
//! * [`clock`], [`keys`], [`environs`]: what a process owns alone: time, secrets, environment.
//! * [`home`], [`connections`]: the data folder, and the exchange connections of its accounts.
//! * [`node`], [`dashboard`]: the process that keeps bots trading, and the page that shows it.
//! * [`cli`], [`commands`]: the words of the command line, and what each command does.
//! * [`failure`]: what every command says when it cannot do what was asked.
//!
//! Decides nothing about money: that is `domain` and `trading`.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "amounts are calculated with checked operations only; the rest counts lines and columns"
)]

pub mod audit;
#[cfg(feature = "aws")]
pub mod aws;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod connections;
pub mod dashboard;
pub mod demo;
pub mod environs;
pub mod failure;
pub mod home;
pub mod keys;
pub mod ledger;
pub mod node;
mod progress;
#[cfg(feature = "readers")]
pub mod readers;
pub mod table;
mod tui;
pub mod vault;
pub mod words;
