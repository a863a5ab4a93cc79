//! exchange-simulator
