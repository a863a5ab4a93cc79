//! What a reader said, reduced to the way it went: two answers that differ only in numbers, quoted
//! words or foreign letters are one behaviour.

use std::str::Chars;

/// The longest part of an answer that counts.
const LONGEST: usize = 400;

/// A behaviour as a number that is the same on every machine and in every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Behaviour(pub u64);

impl Behaviour {
    /// The behaviour behind an answer.
    #[must_use]
    pub fn of(answer: &str) -> Self {
        Self(fingerprint(reduced(answer).as_bytes()))
    }

    /// The behaviour behind a refusal, which may repeat foreign words without quotes.
    #[must_use]
    pub fn of_refusal(answer: &str) -> Self {
        let reduced = reduced(answer);
        let words: Vec<&str> = reduced
            .split(' ')
            .map(|word| if is_prose(word) { word } else { "w" })
            .collect();
        Self(fingerprint(words.join(" ").as_bytes()))
    }
}

/// Whether a word may be one of the reader's own: letters, not all of them capitals, and what prose
/// has around them.
fn is_prose(word: &str) -> bool {
    let bare = word.trim_matches(['(', ')', ',', '.', ':', ';']);
    bare.len() <= 20
        && bare.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (bare.is_empty() || bare.bytes().any(|byte| byte.is_ascii_lowercase()))
}

/// FNV-1a: stays the same between versions, as a library's hasher might not.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The answer with each run of digits, each quoted text and each run of foreign letters as one sign.
fn reduced(answer: &str) -> String {
    let mut reduced = String::new();
    let mut letters = answer.chars();
    while let Some(letter) = letters.next() {
        if reduced.len() >= LONGEST {
            break;
        }
        let sign = match letter {
            '0'..='9' => '0',
            '"' | '`' => {
                skip_quoted(&mut letters, letter);
                'q'
            }
            // Within a word it is an apostrophe.
            '\'' if reduced.ends_with(' ') => {
                skip_quoted(&mut letters, letter);
                'q'
            }
            letter if letter.is_ascii_graphic() || letter == ' ' => {
                reduced.push(letter);
                continue;
            }
            _ => 'u',
        };
        if !reduced.ends_with(sign) {
            reduced.push(sign);
        }
    }
    reduced
}

/// Skips to the quote that ends a quoted text, over escaped ones.
fn skip_quoted(letters: &mut Chars<'_>, quote: char) {
    while let Some(letter) = letters.next() {
        if letter == quote {
            return;
        }
        if letter == '\\' {
            letters.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_way_counts() {
        let same = |one, other| assert_eq!(Behaviour::of(one), Behaviour::of(other));
        same(
            "invalid type: integer `17`, expected a string at line 1 column 3",
            "invalid type: integer `5`, expected a string at line 9 column 2041",
        );
        same("\"1_0\" is no number", "\"x\\u{e9}\" is no number");
        same("string \"a\\\"b c\", expected", "string \"\", expected");
        same("no field é here", "no field 币安 here");
        same("the price 'zero' is none", "the price '1,5' is none");
        assert_ne!(
            Behaviour::of("the exchange's time"),
            Behaviour::of("the exchange's weight")
        );
        assert_ne!(
            Behaviour::of("missing field `a` at line 1"),
            Behaviour::of("unknown field `a` at line 1")
        );
    }

    #[test]
    fn foreign_words_of_a_refusal_do_not_count() {
        let of = Behaviour::of_refusal;
        assert_eq!(
            of("the prices are those of XRPBTC, not of XRPETH"),
            of("the prices are those of 0x-1, not of XRPETH")
        );
        assert_ne!(of("the prices are missing"), of("the amounts are missing"));
    }

    #[test]
    fn a_long_answer_is_cut() {
        assert!(reduced(&"ab ".repeat(10_000)).len() <= LONGEST);
    }
}
