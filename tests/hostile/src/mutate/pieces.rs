//! Changes to the pieces of a text: numbers, texts, words, pairs of an object.

use std::ops::Range;

use super::Mutator;
use super::dictionary::{NUMBERS, TEXTS, VALUES, WORDS};
use super::tokens::{Kind, Pair, Token, pairs, tokens};

/// How deep a nest is made at most; readers of JSON give up at 128.
const DEEPEST: usize = 400;

impl Mutator {
    fn token(&mut self, input: &[u8]) -> Option<Token> {
        let tokens: Vec<Token> = tokens(input)
            .into_iter()
            .filter(|token| token.kind != Kind::Space)
            .collect();
        let at = self.below(tokens.len());
        tokens.into_iter().nth(at)
    }

    pub(super) fn change_piece(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let Some(token) = self.token(input) else {
            return;
        };
        let piece = input[token.range.clone()].to_vec();
        let new = match self.below(10) {
            0..=3 => self.instead_of(token.kind, &piece),
            4 => match self.token(input) {
                Some(from) => input[from.range].to_vec(),
                None => return,
            },
            5 => match self.token(other) {
                Some(from) => other[from.range].to_vec(),
                None => return,
            },
            6 => Vec::new(),
            7 => piece.repeat(2),
            8 => requoted(&piece),
            _ => self.nested(&piece),
        };
        input.splice(token.range, new);
    }

    /// Something else of the same kind.
    fn instead_of(&mut self, kind: Kind, piece: &[u8]) -> Vec<u8> {
        match kind {
            Kind::Number => self.number(piece),
            Kind::Text => {
                let inside = piece.trim_ascii();
                let inside = inside.strip_prefix(b"\"").unwrap_or(inside);
                let inside = inside.strip_suffix(b"\"").unwrap_or(inside);
                let looks_like_number = inside.first().is_some_and(u8::is_ascii_digit);
                let new = if looks_like_number && !self.one_in(4) {
                    self.number(inside)
                } else {
                    self.text(inside)
                };
                [b"\"", &*new, b"\""].concat()
            }
            Kind::Word => self.pick(WORDS).unwrap_or_default().into(),
            Kind::Space | Kind::Mark(_) => {
                let mark = self.pick(&["{", "}", "[", "]", ",", ":", "\"", "&", "=", "\n"]);
                mark.unwrap_or_default().into()
            }
        }
    }

    fn number(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut number = piece.to_vec();
        match self.below(7) {
            0 => number.insert(0, b'-'),
            1 => number.push(b'0'),
            2 => number.extend_from_slice(b".5"),
            3 => {
                let digits = 1 + self.below(40);
                number.splice(0..0, b"9".repeat(digits));
            }
            4 => {
                let digits = 1 + self.below(40);
                number.extend_from_slice(b".");
                number.extend_from_slice(&b"0".repeat(digits));
                number.push(b'1');
            }
            _ => number = self.pick(NUMBERS).unwrap_or_default().into(),
        }
        number
    }

    fn text(&mut self, inside: &[u8]) -> Vec<u8> {
        match self.below(5) {
            0 => {
                let times = 1 << self.below(11);
                b"x".repeat(times)
            }
            1 => self.pick(NUMBERS).unwrap_or_default().into(),
            2 => {
                let mut text = inside.to_vec();
                let at = self.below(text.len() + 1);
                let odd = [0x00, 0x1f, b'\\', 0x80, 0xc3, 0xff];
                text.insert(at, odd[self.below(odd.len())]);
                text
            }
            _ => self.pick(TEXTS).unwrap_or_default().into(),
        }
    }

    fn nested(&mut self, piece: &[u8]) -> Vec<u8> {
        let most = 1 << self.below(10);
        let depth = 1 + self.below(most).min(DEEPEST);
        let (open, close): (&[u8], &[u8]) = if self.one_in(2) {
            (b"[", b"]")
        } else {
            (b"{\"a\":", b"}")
        };
        [&open.repeat(depth), piece, &close.repeat(depth)].concat()
    }

    pub(super) fn change_pair(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let all = pairs(&tokens(input));
        let at = self.below(all.len());
        let Some(pair) = all.get(at) else {
            return self.change_piece(input, other);
        };
        match self.below(7) {
            0 => remove(input, pair),
            1 | 2 => {
                // Named twice: the second with a value of its own half of the time.
                let mut copy = input[pair.name.start..pair.value.end].to_vec();
                if self.one_in(2) {
                    let keep = pair.value.start - pair.name.start;
                    copy.truncate(keep);
                    copy.extend_from_slice(self.pick(VALUES).unwrap_or_default().as_bytes());
                }
                copy.push(b',');
                input.splice(pair.name.start..pair.name.start, copy);
            }
            3 | 4 => {
                let value = self.pick(VALUES).unwrap_or_default();
                input.splice(pair.value.clone(), value.bytes());
            }
            5 => {
                let from = self.below(all.len());
                let value = input[all[from].value.clone()].to_vec();
                input.splice(pair.value.clone(), value);
            }
            _ => {
                let foreign = pairs(&tokens(other));
                let from = self.below(foreign.len());
                if let Some(from) = foreign.get(from) {
                    let copy = other[from.name.start..from.value.end].to_vec();
                    input.splice(pair.name.start..pair.value.end, copy);
                }
            }
        }
    }
}

/// A text without its quotes, anything else with quotes.
fn requoted(piece: &[u8]) -> Vec<u8> {
    match piece {
        [b'"', inside @ .., b'"'] => inside.to_vec(),
        _ => [b"\"", piece, b"\""].concat(),
    }
}

/// Takes a pair out, and one comma beside it.
fn remove(input: &mut Vec<u8>, pair: &Pair) {
    let Range { start, .. } = pair.name;
    let end = pair.value.end;
    if input.get(end) == Some(&b',') {
        input.drain(start..=end);
    } else if start > 0 && input.get(start - 1) == Some(&b',') {
        input.drain(start - 1..end);
    } else {
        input.drain(start..end);
    }
}
