//! Everything from outside: a bare client over real sockets against a running simulator, and the pure parts' tables.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod client;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod rest;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod stream;
#[cfg(test)]
mod tape;
