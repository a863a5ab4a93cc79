//! How far long work has come: a bar on standard error while that is a terminal, nothing elsewhere.
//!
//! A bar is taken away when it is dropped, so that what is written after it stands alone.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// Long work under way.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Nobody looks.
    pub(crate) fn unseen() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Work of so many parts, such as `bots`.
    pub(crate) fn of(what: &'static str, parts: &'static str, all: usize) -> Self {
        Self::on(ProgressDrawTarget::stderr(), what, parts, all)
    }

    fn on(target: ProgressDrawTarget, what: &'static str, parts: &'static str, all: usize) -> Self {
        let all = u64::try_from(all).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(all), target);
        let template = format!("{{msg}} [{{bar:30}}] {{pos}} of {{len}} {parts}, {{elapsed}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        bar.tick();
        Self(bar)
    }

    /// Work whose length nobody knows before its end.
    pub(crate) fn unmeasured(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_message(what);
        bar.enable_steady_tick(TURN);
        Self(bar)
    }

    /// One more part is done.
    pub(crate) fn one_more(&self) {
        self.0.inc(1);
    }

    /// So many parts are done by now.
    pub(crate) fn reached(&self, parts: usize) {
        self.0
            .set_position(u64::try_from(parts).unwrap_or(u64::MAX));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    #[test]
    fn a_bar_says_what_is_done_and_is_gone_at_the_end() {
        let terminal = InMemoryTerm::new(5, 80);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let progress = Progress::on(target, "comparing", "bots", 4);
        progress.one_more();
        progress.reached(2);
        progress.0.tick();
        let shown = terminal.contents();
        assert!(shown.starts_with("comparing ["), "{shown}");
        assert!(shown.contains("2 of 4 bots"), "{shown}");
        drop(progress);
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn nothing_is_drawn_where_nobody_looks() {
        let progress = Progress::unseen();
        progress.one_more();
        assert!(progress.0.is_hidden());
    }
}
