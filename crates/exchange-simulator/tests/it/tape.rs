//! Tapes: every form they come in, and every way they can be broken.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use exchange_simulator::tape::{Print, Tape, survey, symbol_of};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::model::dec;

fn write(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn read(content: &[u8]) -> Result<Vec<Print>, String> {
    let (_folder, path) = write("XRPETH-aggTrades.csv", content);
    Tape::open(&path)
        .and_then(Iterator::collect)
        .map_err(|error| error.to_string())
}

#[test]
fn every_form_gives_the_same_prints() {
    let aggregate = "1,0.00141342,23.0,10,10,1570752011620,True,True\n2,0.0015,1.5,11,12,1570752011700,False,True\n";
    let trades = "1,0.00141342,23.0,0.0325,1570752011620,True,True\n2,0.0015,1.5,0.00225,1570752011700,False,True\n";
    let micros = aggregate
        .replace("11620,", "11620000,")
        .replace("11700,", "11700000,");
    let aggregate_header = format!(
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n{aggregate}"
    );
    let trades_header =
        format!("id,price,qty,quote_qty,time,is_buyer_maker,is_best_match\n{trades}");
    let windows = aggregate.replace('\n', "\r\n");
    let futures =
        "1,0.00141342,23.0,10,10,1570752011620,true\n2,0.0015,1.5,11,12,1570752011700,false\n";
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(aggregate_header.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let expected = vec![
        Print {
            time_ms: 1_570_752_011_620,
            price: dec("0.00141342"),
            quantity: dec("23"),
        },
        Print {
            time_ms: 1_570_752_011_700,
            price: dec("0.0015"),
            quantity: dec("1.5"),
        },
    ];
    let forms: [&[u8]; 8] = [
        aggregate.as_bytes(),
        trades.as_bytes(),
        micros.as_bytes(),
        aggregate_header.as_bytes(),
        trades_header.as_bytes(),
        windows.as_bytes(),
        futures.as_bytes(),
        &packed,
    ];
    for form in forms {
        assert_eq!(
            read(form).unwrap(),
            expected,
            "{}",
            String::from_utf8_lossy(form)
        );
    }
}

#[test]
fn a_broken_line_is_named_with_its_file() {
    let good = "1,0.5,2,10,10,1570752011620,True,True\n";
    let table = [
        (
            "1,zero,2,10,10,1570752011620,True,True\n",
            "the price 'zero'",
        ),
        ("1,1_0,2,10,10,1570752011620,True,True\n", "the price '1_0'"),
        ("1,+.5,2,10,10,1570752011620,True,True\n", "the price '+.5'"),
        (
            "1,-0.5,2,10,10,1570752011620,True,True\n",
            "the price '-0.5'",
        ),
        (
            "1,0.5,0,10,10,1570752011620,True,True\n",
            "the quantity '0'",
        ),
        (
            "1,0.5,2,10,10,yesterday,True,True\n",
            "the time 'yesterday'",
        ),
        ("1,0.5\n", "column 3 (quantity) is missing"),
    ];
    for (bad, problem) in table {
        let error = read(format!("{good}{good}{bad}").as_bytes()).unwrap_err();
        assert!(error.contains("XRPETH-aggTrades.csv, line 3"), "{error}");
        assert!(error.contains(problem), "{error}");
    }
    let error = read(b"a,b,c\n1,2,3\n").unwrap_err();
    assert!(
        error.contains("line 2") && error.contains("neither an aggTrades line"),
        "{error}"
    );
}

/// A packed file of a few kilobytes may hold a line of any length, and whatever is wrong with a line
/// is told in words.
#[test]
fn a_line_without_an_end_is_refused_and_not_repeated() {
    let good = "1,0.5,2,10,10,1570752011620,True,True\n";
    for end in ["", "\n"] {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(good.as_bytes()).unwrap();
        packed.write_all(&b"9".repeat(32 << 20)).unwrap();
        packed.write_all(end.as_bytes()).unwrap();
        let error = read(&packed.finish().unwrap()).unwrap_err();
        assert!(error.contains("line 2 has more than"), "{}", error.len());
    }
    let wide = good.replace("0.5", &"7".repeat(900));
    let error = read(wide.as_bytes()).unwrap_err();
    assert!(error.contains("the price '777"), "{error}");
    let crowded = format!("{}{good}", good.replace('\n', &",".repeat(900)) + "\r\n");
    assert_eq!(read(crowded.as_bytes()).unwrap().len(), 2);
}

#[test]
fn what_is_no_tape_at_all_is_told_apart() {
    let (_folder, zip) = write("BTCUSDT-trades.zip", b"PK\x03\x04rest");
    assert!(
        survey(&zip)
            .unwrap_err()
            .to_string()
            .contains("zip archive")
    );
    let (_folder, empty) = write("BTCUSDT-trades.csv", b"");
    assert!(
        survey(&empty)
            .unwrap_err()
            .to_string()
            .contains("no trades")
    );
    assert!(
        survey(Path::new("/nowhere/x.csv"))
            .unwrap_err()
            .to_string()
            .contains("/nowhere/x.csv")
    );
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed
        .write_all(
            "1,0.5,2,10,10,1570752011620,True,True\n"
                .repeat(1000)
                .as_bytes(),
        )
        .unwrap();
    let packed = packed.finish().unwrap();
    let (_folder, torn) = write("BTCUSDT-trades.csv.gz", &packed[..packed.len() - 20]);
    assert!(
        survey(&torn)
            .unwrap_err()
            .to_string()
            .contains("BTCUSDT-trades.csv.gz")
    );
}

#[test]
fn a_survey_tells_what_rules_would_suit() {
    let text = "1,0.5,2,10,10,1570752011620,True,True\n2,0.75,2.25,10,10,1570752011621,True,True\n3,0.25,1,1,1,1570752011622,True,True\n";
    let (_folder, path) = write("xrpeth-2019.csv", text.as_bytes());
    let summary = survey(&path).unwrap();
    assert_eq!(
        (
            summary.prints,
            summary.price_decimals,
            summary.quantity_decimals
        ),
        (3, 2, 2)
    );
    assert_eq!(
        (summary.first_price, summary.lowest, summary.highest),
        (dec("0.5"), dec("0.25"), dec("0.75"))
    );
    assert_eq!(symbol_of(&path).as_deref(), Some("XRPETH"));
    assert_eq!(symbol_of(Path::new("/x/t.csv")), None);
}
