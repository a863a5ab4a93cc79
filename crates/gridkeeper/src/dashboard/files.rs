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

/// The page itself.
pub(super) const INDEX: &[u8] = include_bytes!("page/index.html");

/// What it loads.
pub(super) const FILES: &[File] = &[File {
    name: "app.js",
    kind: "text/javascript; charset=utf-8",
    bytes: include_bytes!("page/app.js"),
}];
