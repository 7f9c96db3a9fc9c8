//! The core at the command line: plan, consent, outcome and following, on a project of two tiny stacks and a local
//! cloud of its own.

mod account;
mod connection;
mod consent;
mod daemon;
mod database;
mod destroying;
mod diff;
mod doctor;
mod domain;
#[path = "../support/ended.rs"]
mod ended;
mod first_tasks;
mod foreign;
mod handshake;
mod imports;
mod kills;
mod operators;
mod outcome;
mod own;
mod protected;
mod reasons;
mod screen;
mod states;
#[path = "../support/terminal.rs"]
mod terminal;
mod trouble;
mod workbench;
