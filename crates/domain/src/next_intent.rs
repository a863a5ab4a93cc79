//! next_intent
