//! The page's files, part of the program: nothing is loaded from elsewhere.

/// A file of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct File {
    /// Its name below `/assets/`.
    pub(super) name: &'static str,
    /// Its content type.
    pub(super) kind: &'static str,
    /// What is in it.
    pub(super) bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! file {
    ($name:literal, $kind:ident) => {
        File {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("page/", $name)),
        }
    };
}

/// The page itself.
pub(super) const INDEX: &[u8] = include_bytes!("page/index.html");

/// What it loads.
pub(super) const FILES: &[File] = &[
    file!("actions.js", SCRIPT),
    file!("address.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("bars.js", SCRIPT),
    file!("base.css", STYLE),
    file!("bot.js", SCRIPT),
    file!("cells.js", SCRIPT),
    file!("chart.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("drawing.js", SCRIPT),
    file!("events.js", SCRIPT),
    file!("figures.js", SCRIPT),
    file!("fillmarks.js", SCRIPT),
    file!("flow.js", SCRIPT),
    file!("format.js", SCRIPT),
    file!("frame.js", SCRIPT),
    file!("gridlines.js", SCRIPT),
    file!("ladder.js", SCRIPT),
    file!("latency.js", SCRIPT),
    file!("level.js", SCRIPT),
    file!("lightweight-charts.LICENSE.txt", TEXT),
    file!("lightweight-charts.NOTICE.txt", TEXT),
    file!("lightweight-charts.js", SCRIPT),
    file!("main.js", SCRIPT),
    file!("marks.js", SCRIPT),
    file!("model.js", SCRIPT),
    file!("narrow.css", STYLE),
    file!("overview.js", SCRIPT),
    file!("parts.css", STYLE),
    file!("parts.js", SCRIPT),
    file!("profit.js", SCRIPT),
    file!("story.js", SCRIPT),
    file!("stream.js", SCRIPT),
    file!("table.js", SCRIPT),
    file!("theme.js", SCRIPT),
    file!("trips.js", SCRIPT),
    file!("worries.js", SCRIPT),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served_as_what_it_is() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard/page");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "index.html")
            .collect();
        let served: BTreeSet<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(served, there);
        for file in FILES {
            let kind = match file.name.rsplit_once('.').unwrap().1 {
                "js" => SCRIPT,
                "css" => STYLE,
                _ => TEXT,
            };
            assert_eq!(file.kind, kind, "{}", file.name);
        }
    }

    /// The browser would refuse it: the policy allows files alone.
    #[test]
    fn the_page_has_no_script_and_no_style_of_its_own() {
        let page = std::str::from_utf8(INDEX).unwrap();
        for forbidden in [
            "<style",
            " style=",
            "javascript:",
            " onclick",
            " onload",
            "https://cdn",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert_eq!(
            page.matches("<script").count(),
            page.matches(r#"src="/assets/"#).count()
        );
    }
}
