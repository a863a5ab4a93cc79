//! The loops of a node by their names, so that one that ends unasked is noticed and can be named.
//!
//! Start at [`Loops::ended`]. Starts nothing anew: a part that died is a defect, and a process
//! started afresh compares every bot before it does anything else.

use std::sync::{Mutex, PoisonError};

use tokio::task::{Id, JoinError, JoinSet};

use crate::failure::Failure;

/// How a loop ended: well, or with the reason why it cannot go on.
pub(crate) type Ended = Result<(), String>;

/// Running loops.
#[derive(Debug, Default)]
pub(crate) struct Loops {
    running: tokio::sync::Mutex<JoinSet<Ended>>,
    names: Mutex<Vec<(Id, &'static str)>>,
}

impl Loops {
    /// Starts a loop under the name that the operator reads if it dies.
    pub(crate) fn start(
        &mut self,
        name: &'static str,
        part: impl Future<Output = Ended> + Send + 'static,
    ) {
        let id = self.running.get_mut().spawn(part).id();
        self.names
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .push((id, name));
    }

    /// Waits until one of them ends, and says which and why. To be asked while nobody has asked them
    /// to end; with nothing running it waits for ever.
    pub(crate) async fn ended(&self) -> Failure {
        let Some(ended) = self.running.lock().await.join_next_with_id().await else {
            return std::future::pending().await;
        };
        let (id, why) = read(ended);
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let name = names.iter().find(|(known, _)| *known == id);
        let name = name.map_or("a part", |(_, name)| name);
        part_ended(name, &why)
    }

    /// Waits until all have ended that were asked to.
    pub(crate) async fn all_ended(&mut self) {
        while let Some(ended) = self.running.get_mut().join_next_with_id().await {
            let (_, why) = read(ended);
            if !why.is_empty() {
                tracing::error!(%why, "a part did not end well");
            }
        }
    }
}

/// That a part of the process ended although nobody had asked it to.
pub(crate) fn part_ended(name: &str, why: &str) -> Failure {
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    };
    Failure::refused(format!(
        "{name} ended although nobody asked it to{why}; the process cannot go on without it"
    ))
    .at(name)
    .mend("start it again: it compares every bot with the exchange first; report this as a defect")
}

/// Which loop ended, and why, in words; empty where it says nothing.
fn read(ended: Result<(Id, Ended), JoinError>) -> (Id, String) {
    match ended {
        Ok((id, ended)) => (id, ended.err().unwrap_or_default()),
        Err(error) => (error.id(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn forever() -> Ended {
        std::future::pending().await
    }

    #[tokio::test]
    async fn the_part_that_fails_is_named_with_its_reason() {
        let mut loops = Loops::default();
        loops.start("the bridge", async { Err("its link died".to_owned()) });
        loops.start("the handlers", forever());
        let failure = loops.ended().await;
        let told = failure.to_string();
        assert_eq!(failure.exit.code(), 1);
        assert_eq!(failure.place.as_deref(), Some("the bridge"));
        assert!(told.contains("its link died"), "{told}");
    }

    #[tokio::test]
    async fn a_part_that_panics_or_just_returns_is_named_too() {
        let mut loops = Loops::default();
        loops.start("the handlers", forever());
        loops.start("recovery", async { panic!("out of its depth") });
        let told = loops.ended().await.to_string();
        assert!(told.contains("recovery ended"), "{told}");
        assert!(told.contains("out of its depth"), "{told}");
        loops.start("the bridge", async { Ok(()) });
        assert!(loops.ended().await.what.starts_with("the bridge ended"));
    }
}
