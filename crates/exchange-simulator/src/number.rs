//! Decimal numbers out of foreign text, in the one spelling that there is: digits, and at most one
//! point between digits.
//!
//! The decimal crate reads more (`1_0`, `+.5`), and takes a little of the stack for each byte of a
//! long text: enough of them end the process.

use rust_decimal::Decimal;

/// The longest number read, in bytes.
const LONGEST: usize = 48;

/// The longest number or text within a command, in bytes; keys and secrets have up to 256.
const LONGEST_WORD: usize = 1_024;

/// Reads a number that is zero or more.
pub(crate) fn plain(text: &str) -> Option<Decimal> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = text.len() <= LONGEST && digits(whole) && digits(fraction);
    plain.then(|| text.parse().ok()).flatten()
}

/// Whether a JSON text may be given to readers of decimals of the decimal crate's own.
pub(crate) fn has_endless_word(json: &str) -> bool {
    json.split(['"', ',', ':', '[', ']', '{', '}'])
        .any(|word| word.len() > LONGEST_WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(plain("0060.50"), Some(Decimal::new(605, 1)));
        let long = "1".repeat(LONGEST + 1);
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1_0", "1e3", "1.2.3", " 1", "x", &long,
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(
            plain(&"9".repeat(LONGEST)),
            None,
            "more digits than a decimal has"
        );
    }
}
