//! A foreign text as far as errors and log lines repeat it.

/// The most characters repeated from the start of a foreign text.
const START: usize = 160;

/// The most characters repeated from its end, where readers of JSON say which line and column.
const END: usize = 60;

/// Start and end of a text that may have come from outside, fit for a log line: short, and without
/// characters that would change a terminal.
#[must_use]
pub fn excerpt(foreign: &str) -> String {
    let length = foreign.chars().count();
    let visible = |skipped: usize, taken: usize| {
        let part = foreign.chars().skip(skipped).take(taken);
        part.flat_map(|letter| {
            let shown = if letter.is_control() {
                None
            } else {
                Some(letter)
            };
            let escaped = shown.is_none().then(|| letter.escape_default());
            shown.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect::<String>()
    };
    if length <= START.saturating_add(END) {
        return visible(0, length);
    }
    format!(
        "{} [...] {}",
        visible(0, START),
        visible(length.saturating_sub(END), END)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_as_it_is() {
        assert_eq!(excerpt("币安 is no number"), "币安 is no number");
        assert_eq!(excerpt(""), "");
    }

    #[test]
    fn a_long_text_keeps_its_start_and_its_end() {
        let told = excerpt(&format!("start{}at line 1 column 7", "币".repeat(1 << 20)));
        assert!(
            told.starts_with("start币") && told.ends_with("币at line 1 column 7"),
            "{told}"
        );
        assert!(told.chars().count() < 250, "{told}");
    }

    #[test]
    fn nothing_in_it_is_obeyed() {
        assert_eq!(excerpt("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
    }
}
