//! Lines of a bounded length: a packed file of a few kilobytes may unpack to a line of any length.

use std::io::{self, Read};

/// The longest line read, in bytes. Those of Binance's files have about 110.
pub(super) const LONGEST: usize = 1_024;

/// Passes a text through, up to a line that is too long.
pub(super) struct Lines<R> {
    source: R,
    line: u64,
    length: usize,
}

impl<R: Read> Lines<R> {
    pub(super) const fn new(source: R) -> Self {
        Self {
            source,
            line: 1,
            length: 0,
        }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(into)?;
        for byte in into.iter().take(count) {
            if matches!(byte, b'\n' | b'\r') {
                self.line += u64::from(*byte == b'\n');
                self.length = 0;
                continue;
            }
            self.length += 1;
            if self.length > LONGEST {
                let told = format!("line {} has more than {LONGEST} bytes", self.line);
                return Err(io::Error::new(io::ErrorKind::InvalidData, told));
            }
        }
        Ok(count)
    }
}
