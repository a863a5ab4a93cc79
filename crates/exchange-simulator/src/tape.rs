//! Binance's public trade files as prices: `aggTrades` or `trades` CSV, plain or gzip, with a header or without.
//!
//! Entry points: [`Tape::open`] (a stream of prints), [`survey`] (reads a tape once and proves every line),
//! [`symbol_of`]. What a file is, is told by its content, not its name. Never holds more than one line, and
//! none longer than a kilobyte.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use flate2::read::MultiGzDecoder;
use rust_decimal::Decimal;

use crate::number;

mod lines;

use lines::Lines;

/// One trade of the outside market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// When, ms.
    pub time_ms: i64,
    /// Price.
    pub price: Decimal,
    /// Base quantity.
    pub quantity: Decimal,
}

/// Why a tape cannot be read; says which file and line.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The file cannot be opened or read.
    #[error("cannot read the tape {}: {source}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// A line is not what the format says.
    #[error("tape {}, line {line}: {problem}", path.display())]
    Line {
        /// File.
        path: PathBuf,
        /// Line, counted from 1 in the unpacked text.
        line: u64,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// The file as a whole is of no use.
    #[error("tape {}: {problem}", path.display())]
    Unusable {
        /// File.
        path: PathBuf,
        /// What is wrong and how to mend it.
        problem: &'static str,
    },
}

/// What a whole tape holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeSummary {
    /// Number of prints.
    pub prints: u64,
    /// Time of the first, ms.
    pub first_ms: i64,
    /// Time of the last, ms.
    pub last_ms: i64,
    /// First price.
    pub first_price: Decimal,
    /// Lowest price.
    pub lowest: Decimal,
    /// Highest price.
    pub highest: Decimal,
    /// Most decimals a price uses.
    pub price_decimals: u32,
    /// Most decimals a quantity uses.
    pub quantity_decimals: u32,
}

/// Where time stands in a line; told by the first line of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// id, price, quantity, first trade id, last trade id, time, ...
    AggTrades,
    /// id, price, quantity, quote quantity, time, ...
    Trades,
}

impl Layout {
    const fn time_column(self) -> usize {
        match self {
            Self::AggTrades => 5,
            Self::Trades => 4,
        }
    }

    /// `aggTrades` have a time in the sixth column, `trades` a truth value.
    fn of(record: &ByteRecord) -> Option<Self> {
        let sixth = record.get(5)?;
        if sixth.iter().all(u8::is_ascii_digit) && !sixth.is_empty() {
            return Some(Self::AggTrades);
        }
        let truth = sixth.eq_ignore_ascii_case(b"true") || sixth.eq_ignore_ascii_case(b"false");
        truth.then_some(Self::Trades)
    }
}

/// A tape being read.
pub struct Tape {
    path: PathBuf,
    reader: csv::Reader<Lines<Box<dyn Read + Send>>>,
    record: ByteRecord,
    layout: Option<Layout>,
    failed: bool,
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tape")
            .field("path", &self.path)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

impl Tape {
    /// Opens a tape.
    ///
    /// # Errors
    /// [`TapeError::Read`] if the file cannot be opened, [`TapeError::Unusable`] for a zip archive.
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let file = File::open(path).map_err(|source| TapeError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::over(path, file)
    }

    /// A tape that is read from `source`; errors name it as `path`.
    pub(crate) fn over(path: &Path, source: impl Read + Send + 'static) -> Result<Self, TapeError> {
        let failed = |source| TapeError::Read {
            path: path.to_owned(),
            source,
        };
        let mut file = BufReader::with_capacity(1 << 16, source);
        let start = file.fill_buf().map_err(failed)?;
        if start.starts_with(b"PK\x03\x04") {
            let problem =
                "this is a zip archive; unpack it and give the CSV inside, plain or as .gz";
            return Err(TapeError::Unusable {
                path: path.to_owned(),
                problem,
            });
        }
        let source: Box<dyn Read + Send> = if start.starts_with(&[0x1f, 0x8b]) {
            Box::new(BufReader::new(MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .quoting(false)
            .from_reader(Lines::new(source));
        Ok(Self {
            path: path.to_owned(),
            reader,
            record: ByteRecord::new(),
            layout: None,
            failed: false,
        })
    }

    fn read(&mut self) -> Result<Option<Print>, TapeError> {
        loop {
            let more = self
                .reader
                .read_byte_record(&mut self.record)
                .map_err(|error| self.unreadable(error))?;
            if !more {
                return Ok(None);
            }
            let line = self.record.position().map_or(0, csv::Position::line);
            let first = self.record.get(0).unwrap_or_default();
            let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
            let header = line == 1 && !first.first().is_some_and(u8::is_ascii_digit);
            if header {
                continue;
            }
            return self.parse(line).map(Some);
        }
    }

    fn unreadable(&self, error: csv::Error) -> TapeError {
        let line = error.position().map_or(0, csv::Position::line);
        let text = error.to_string();
        if let csv::ErrorKind::Io(source) = error.into_kind() {
            return TapeError::Read {
                path: self.path.clone(),
                source,
            };
        }
        self.wrong(line, text)
    }

    fn wrong(&self, line: u64, problem: String) -> TapeError {
        TapeError::Line {
            path: self.path.clone(),
            line,
            problem,
        }
    }

    fn parse(&mut self, line: u64) -> Result<Print, TapeError> {
        let layout = match self.layout {
            Some(layout) => layout,
            None => Layout::of(&self.record).ok_or_else(|| {
                let problem = "neither an aggTrades line (id, price, quantity, first id, last id, time, ...) nor a \
                               trades line (id, price, quantity, quote quantity, time, buyer is maker, ...)";
                self.wrong(line, problem.to_owned())
            })?,
        };
        self.layout = Some(layout);
        let price = self.amount(line, 1, "price")?;
        let quantity = self.amount(line, 2, "quantity")?;
        let time = self.field(line, layout.time_column(), "time")?;
        let time_ms = time
            .parse::<i64>()
            .ok()
            .filter(|time| *time > 0)
            .ok_or_else(|| {
                self.wrong(
                    line,
                    format!("the time '{time}' is not a count of milliseconds"),
                )
            })?;
        // Binance's files count microseconds since 2025; no millisecond count has that many digits until year 5138.
        let time_ms = if time_ms >= 100_000_000_000_000 {
            time_ms / 1000
        } else {
            time_ms
        };
        Ok(Print {
            time_ms,
            price,
            quantity,
        })
    }

    fn field(&self, line: u64, column: usize, name: &str) -> Result<&str, TapeError> {
        let bytes = self.record.get(column).ok_or_else(|| {
            self.wrong(line, format!("column {} ({name}) is missing", column + 1))
        })?;
        std::str::from_utf8(bytes).map(str::trim).map_err(|error| {
            self.wrong(
                line,
                format!("column {} ({name}) is not text: {error}", column + 1),
            )
        })
    }

    fn amount(&self, line: u64, column: usize, name: &str) -> Result<Decimal, TapeError> {
        let text = self.field(line, column, name)?;
        number::plain(text)
            .filter(|amount| *amount > Decimal::ZERO && amount.normalize().scale() <= 8)
            .ok_or_else(|| {
                self.wrong(
                    line,
                    format!("the {name} '{text}' is not a positive number of at most 8 decimals"),
                )
            })
    }
}

impl Iterator for Tape {
    type Item = Result<Print, TapeError>;

    /// The next print; after an error nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

/// Reads a whole tape once, proving every line.
///
/// # Errors
/// The first thing wrong, with file and line; a tape without prints.
pub fn survey(path: &Path) -> Result<TapeSummary, TapeError> {
    let mut summary: Option<TapeSummary> = None;
    for print in Tape::open(path)? {
        let print = print?;
        let decimals = (
            print.price.normalize().scale(),
            print.quantity.normalize().scale(),
        );
        let summary = summary.get_or_insert(TapeSummary {
            prints: 0,
            first_ms: print.time_ms,
            last_ms: print.time_ms,
            first_price: print.price,
            lowest: print.price,
            highest: print.price,
            price_decimals: 0,
            quantity_decimals: 0,
        });
        summary.prints += 1;
        summary.last_ms = print.time_ms;
        summary.lowest = summary.lowest.min(print.price);
        summary.highest = summary.highest.max(print.price);
        summary.price_decimals = summary.price_decimals.max(decimals.0);
        summary.quantity_decimals = summary.quantity_decimals.max(decimals.1);
    }
    summary.ok_or_else(|| TapeError::Unusable {
        path: path.to_owned(),
        problem: "it holds no trades",
    })
}

/// The symbol a tape is named after: `XRPETH` for `XRPETH-aggTrades-2019-10-11.csv.gz`.
#[must_use]
pub fn symbol_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let symbol = name.split(['-', '_', '.']).next()?.to_uppercase();
    let fits = symbol.len() >= 4 && symbol.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(symbol)
}
