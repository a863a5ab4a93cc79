//! What a check found: ok, a warning or a problem, each with its remedy.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use crate::table::count_of;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grade {
    /// As it should be.
    Ok,
    /// Works, but should be mended.
    Warning,
    /// Does not work.
    Problem,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// How bad it is.
    pub(crate) grade: Grade,
    /// What was looked at.
    pub(crate) subject: String,
    /// What was found.
    pub(crate) text: String,
    /// How to mend it.
    pub(crate) remedy: Option<String>,
}

impl Finding {
    pub(crate) fn ok(subject: impl fmt::Display, text: impl fmt::Display) -> Self {
        Self::new(Grade::Ok, subject, text)
    }

    pub(crate) fn warning(
        subject: impl fmt::Display,
        text: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> Self {
        Self::new(Grade::Warning, subject, text).with(remedy)
    }

    pub(crate) fn problem(
        subject: impl fmt::Display,
        text: impl fmt::Display,
        remedy: impl fmt::Display,
    ) -> Self {
        Self::new(Grade::Problem, subject, text).with(remedy)
    }

    fn new(grade: Grade, subject: impl fmt::Display, text: impl fmt::Display) -> Self {
        Self {
            grade,
            subject: subject.to_string(),
            text: text.to_string(),
            remedy: None,
        }
    }

    fn with(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }
}

/// The worst of some findings.
pub(crate) fn worst(findings: &[Finding]) -> Grade {
    findings
        .iter()
        .map(|finding| finding.grade)
        .max()
        .unwrap_or(Grade::Ok)
}

/// What findings come to, in one line that agrees with the exit code.
pub(crate) fn verdict(findings: &[Finding]) -> String {
    let of = |grade| {
        let graded = findings.iter().filter(|finding| finding.grade == grade);
        graded.count()
    };
    let (problems, warnings) = (of(Grade::Problem), of(Grade::Warning));
    if problems == 0 && warnings == 0 {
        return format!("all is well: {}", count_of(findings.len(), "check"));
    }
    let problems = match problems {
        0 => "no problem".to_owned(),
        problems => count_of(problems, "problem"),
    };
    let warnings = match warnings {
        0 => "no warning".to_owned(),
        warnings => count_of(warnings, "warning"),
    };
    let ok = count_of(of(Grade::Ok), "check");
    format!("{problems}, {warnings}, {ok} ok")
}

/// Writes findings, one line each and one for its remedy, with the subjects aligned.
pub(crate) fn write(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    let width = findings
        .iter()
        .map(|finding| finding.subject.chars().count())
        .fold(0, usize::max);
    for finding in findings {
        let Finding {
            grade,
            subject,
            text,
            remedy,
        } = finding;
        writeln!(out, "{grade:<7}  {subject:<width$}  {text}")?;
        if let Some(remedy) = remedy {
            writeln!(out, "{:<7}  {:<width$}  to mend it: {remedy}", "", "")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_up_and_names_the_worst() {
        let findings = [
            Finding::ok("clock", "12 ms behind"),
            Finding::problem("key of main", "refused", "make a new one"),
        ];
        let mut text = Vec::new();
        write(&findings, &mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "ok       clock        12 ms behind\n\
             problem  key of main  refused\n\
             \u{20}                     to mend it: make a new one\n"
        );
        assert_eq!(worst(&findings), Grade::Problem);
        assert_eq!(worst(&[]), Grade::Ok);
    }

    #[test]
    fn the_verdict_counts_each_grade() {
        let ok = Finding::ok("clock", "right");
        let warning = Finding::warning("key", "old", "make a new one");
        let problem = Finding::problem("key", "refused", "make a new one");
        for (findings, says) in [
            (vec![ok.clone(), ok.clone()], "all is well: 2 checks"),
            (
                vec![ok.clone(), warning.clone(), warning.clone()],
                "no problem, 2 warnings, 1 check ok",
            ),
            (
                vec![problem, warning, ok],
                "1 problem, 1 warning, 1 check ok",
            ),
        ] {
            assert_eq!(verdict(&findings), says);
        }
    }
}
