//! What became of every operation with every client, and the table of it.
//!
//! Entry point: [`Report`]. An operation that a script did not report failed: a script cannot pass by leaving it out.

use std::collections::BTreeMap;
use std::fmt;

/// One operation per line, in the order of the table.
const OPERATIONS: &str = include_str!("../../../tests/clients/operations.txt");

/// The last row of the table.
const END: &str = "the script ends well";

/// The operations every client must report.
pub(super) fn operations() -> impl Iterator<Item = &'static str> {
    OPERATIONS.lines().filter(|line| !line.is_empty())
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    /// This version of the client does not offer it.
    Absent(String),
}

/// What became of everything.
#[derive(Debug, Default)]
pub(super) struct Report {
    clients: Vec<(&'static str, BTreeMap<String, Outcome>)>,
}

impl Report {
    /// Takes in what one client's script printed.
    pub(super) fn add(&mut self, client: &'static str, output: &str, ended_well: bool) {
        let mut outcomes = BTreeMap::new();
        for line in output.lines() {
            let mut cells = line.splitn(3, '\t');
            let (result, operation) = (cells.next(), cells.next().unwrap_or_default());
            let reason = cells.next().unwrap_or_default().to_owned();
            let outcome = match result {
                Some("pass") => Outcome::Passed,
                Some("fail") => Outcome::Failed(reason),
                Some("absent") => Outcome::Absent(reason),
                _ => Outcome::Failed(format!("not a line of a report: {line}")),
            };
            // What failed once has failed.
            if !matches!(outcomes.get(operation), Some(Outcome::Failed(_))) {
                outcomes.insert(operation.to_owned(), outcome);
            }
        }
        for operation in operations() {
            outcomes
                .entry(operation.to_owned())
                .or_insert_with(|| Outcome::Failed("not reported".to_owned()));
        }
        let end = if ended_well {
            Outcome::Passed
        } else {
            Outcome::Failed("it did not, see its output above".to_owned())
        };
        outcomes.insert(END.to_owned(), end);
        self.clients.push((client, outcomes));
    }

    /// How many operations failed.
    pub(super) fn failures(&self) -> usize {
        self.count(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    fn count(&self, is: impl Fn(&Outcome) -> bool) -> usize {
        let outcomes = self
            .clients
            .iter()
            .flat_map(|(_, outcomes)| outcomes.values());
        outcomes.filter(|outcome| is(outcome)).count()
    }

    /// The rows: the list's in its order, then what the list does not know, then the script's end.
    fn rows(&self) -> Vec<&str> {
        let mut rows: Vec<&str> = operations().collect();
        for (_, outcomes) in &self.clients {
            for operation in outcomes.keys() {
                if operation != END && !rows.contains(&operation.as_str()) {
                    rows.push(operation);
                }
            }
        }
        rows.push(END);
        rows
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let widest = rows
            .iter()
            .map(|row| row.chars().count())
            .max()
            .unwrap_or(0);
        write!(f, "\n{:widest$}", "")?;
        for (client, _) in &self.clients {
            write!(f, "  {client}")?;
        }
        writeln!(f)?;
        let mut reasons = String::new();
        for row in rows {
            let mut line = format!("{row:widest$}");
            for (client, outcomes) in &self.clients {
                let width = client.chars().count();
                let word = match outcomes.get(row) {
                    Some(Outcome::Passed) => "pass",
                    Some(Outcome::Failed(reason)) => {
                        reasons.push_str(&format!("FAIL  {client}, {row}: {reason}\n"));
                        "FAIL"
                    }
                    Some(Outcome::Absent(reason)) => {
                        reasons.push_str(&format!("-     {client}, {row}: {reason}\n"));
                        "-"
                    }
                    None => "",
                };
                line.push_str(&format!("  {word:width$}"));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(f, "\n{reasons}\n")?;
        let passed = self.count(|outcome| *outcome == Outcome::Passed);
        let absent = self.count(|outcome| matches!(outcome, Outcome::Absent(_)));
        write!(
            f,
            "{passed} passed, {} failed, {absent} not offered by a client",
            self.failures()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(result: &str) -> String {
        operations()
            .map(|operation| format!("{result}\t{operation}\t\n"))
            .collect()
    }

    fn failures(output: &str, ended_well: bool) -> usize {
        let mut report = Report::default();
        report.add("one", output, ended_well);
        report.failures()
    }

    #[test]
    fn passing_needs_every_operation_and_a_good_end() {
        let count = operations().count();
        assert_eq!(failures(&all("pass"), true), 0);
        assert_eq!(failures(&all("absent"), true), 0);
        assert_eq!(failures(&all("pass"), false), 1);
        assert_eq!(failures(&all("fail"), true), count);
        assert_eq!(failures("", true), count, "what is not reported failed");
        let one_less = all("pass").replace("pass\tmarkets\t\n", "");
        assert_eq!(failures(&one_less, true), 1);
    }

    #[test]
    fn what_failed_once_or_is_no_report_has_failed() {
        let again = format!("fail\tmarkets\ta reason\n{}", all("pass"));
        assert_eq!(failures(&again, true), 1);
        let noise = format!("{}something else\n", all("pass"));
        assert_eq!(failures(&noise, true), 1);
        let unknown = format!("{}pass\ta dance\t\nfail\ta song\t\n", all("pass"));
        assert_eq!(failures(&unknown, true), 1);
    }

    #[test]
    fn the_table_shows_each_client_and_each_reason() {
        let mut report = Report::default();
        report.add(
            "one",
            &all("pass").replace("pass\tprice\t", "fail\tprice\tno such field"),
            true,
        );
        report.add(
            "another",
            &all("pass").replace("pass\tcancel\t", "absent\tcancel\tlater"),
            true,
        );
        let table = report.to_string();
        assert!(
            table.contains("one, price: no such field\n"),
            "the reason is told: {table}"
        );
        assert!(table.contains("another, cancel: later\n"), "{table}");
        let row = |name: &str| {
            let line = table.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().skip(1).collect::<Vec<_>>()
        };
        assert_eq!(row("price "), ["FAIL", "pass"]);
        assert_eq!(row("cancel "), ["pass", "-"]);
        let count = operations().count();
        let last = format!(
            "{} passed, 1 failed, 1 not offered by a client",
            count * 2 + 2 - 2
        );
        assert_eq!(table.lines().last().unwrap(), last);
    }
}
