//! Trade files, plain and packed.

use std::io::{Cursor, Read, Write as _};

use exchange_simulator::model::{Exchange, OutsideMarket, SymbolRules};
use exchange_simulator::readers;
use exchange_simulator::tape::Tape;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_decimal::Decimal;

use super::{few, refused};
use crate::examine::Seen;

/// No tape is read further: the rest would only be more of the same.
const MOST_PRINTS: usize = 2_000;

/// A file as it is.
pub(super) fn plain(input: &[u8]) -> Seen {
    played(Cursor::new(input.to_vec()))
}

/// A file that unpacks to the input, followed by nothing or by what comes after a NUL of it.
pub(super) fn packed(input: &[u8]) -> Seen {
    let at = input
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(input.len());
    let (inside, behind) = input.split_at(at);
    let mut file = Vec::new();
    allocation_counter::opt_out(|| {
        let mut packer = GzEncoder::new(&mut file, Compression::fast());
        packer.write_all(inside).unwrap();
        packer.finish().unwrap();
    });
    file.extend_from_slice(behind);
    played(Cursor::new(file))
}

/// Reads a tape to its end and has the exchange trade at what it says.
fn played(file: impl Read + Send + 'static) -> Seen {
    let tape = match readers::tape(file) {
        Ok(tape) => tape,
        Err(error) => return refused(error),
    };
    let mut exchange = exchange();
    match prints(tape, &mut exchange) {
        Ok(count) => Seen::Accepted(few(count).to_owned()),
        Err(error) => {
            refused(&error);
            // Between the first and the last quote stands what was read.
            let (before, rest) = error.split_once('\'').unwrap_or((&error, ""));
            let (_, after) = rest.rsplit_once('\'').unwrap_or((rest, ""));
            Seen::Refused(format!("{before}{after}"))
        }
    }
}

fn prints(tape: Tape, exchange: &mut Exchange) -> Result<usize, String> {
    let mut count = 0;
    for print in tape.take(MOST_PRINTS) {
        let print = print.map_err(|error| error.to_string())?;
        assert!(print.time_ms > 0, "{print:?}");
        assert!(
            print.price > Decimal::ZERO && print.quantity > Decimal::ZERO,
            "{print:?}"
        );
        // A print that the exchange refuses is passed over, as in a replay.
        let _filled = exchange.print(print.time_ms, "XRPETH", (print.price, print.quantity));
        count += 1;
    }
    Ok(count)
}

fn exchange() -> Exchange {
    let mut exchange = Exchange::default();
    let rules = SymbolRules::suited_to("XRPETH", (8, 2));
    exchange.add_symbol(0, rules, Decimal::new(141, 5), OutsideMarket::default());
    exchange
}
