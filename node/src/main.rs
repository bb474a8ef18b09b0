//! The `qsdm` binary.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
// standard output and error are this crate's business
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod committee;
mod dev;
mod genesis;
mod journal;
mod operator;
mod service;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
