//! Everything from outside: a bare client over real sockets against a running simulator, and the pure parts' tables.

mod client;
mod rest;
