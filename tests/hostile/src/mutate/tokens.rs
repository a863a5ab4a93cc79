//! An input cut into the pieces that formats of text are made of, whichever format it is.

use std::ops::Range;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From one double quote to the next that is not escaped.
    Text,
    /// Digits with what numbers may have around them.
    Number,
    /// Letters.
    Word,
    /// Blanks.
    Space,
    /// Any other single byte.
    Mark(u8),
}

/// A piece of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub range: Range<usize>,
}

/// Cuts an input into pieces, without a gap.
#[must_use]
pub fn tokens(input: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some((first, rest)) = input.get(start..).and_then(<[u8]>::split_first) {
        let run = |belongs: fn(u8) -> bool| rest.iter().take_while(|byte| belongs(**byte)).count();
        let (kind, more) = match *first {
            b'"' => (Kind::Text, text_length(rest)),
            b'0'..=b'9' => (Kind::Number, run(is_number)),
            b'-' | b'+' if rest.first().is_some_and(u8::is_ascii_digit) => {
                (Kind::Number, run(is_number))
            }
            byte if is_word(byte) => (Kind::Word, run(is_word)),
            byte if byte.is_ascii_whitespace() => {
                (Kind::Space, run(|byte| byte.is_ascii_whitespace()))
            }
            byte => (Kind::Mark(byte), 0),
        };
        let end = start + 1 + more;
        tokens.push(Token {
            kind,
            range: start..end,
        });
        start = end;
    }
    tokens
}

fn is_number(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// How many bytes after the first quote belong to the text, the last quote included.
fn text_length(rest: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A name and its value in an object: `"name": value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name, quotes included.
    pub name: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

/// The names and values of all objects in an input that looks like JSON.
#[must_use]
pub fn pairs(tokens: &[Token]) -> Vec<Pair> {
    let solid: Vec<&Token> = tokens
        .iter()
        .filter(|token| token.kind != Kind::Space)
        .collect();
    solid
        .windows(3)
        .enumerate()
        .filter_map(|(at, window)| match window {
            [name, colon, value] if name.kind == Kind::Text && colon.kind == Kind::Mark(b':') => {
                let end = value_end(solid.get(at + 2..)?);
                Some(Pair {
                    name: name.range.clone(),
                    value: value.range.start..end.unwrap_or(value.range.end),
                })
            }
            _ => None,
        })
        .collect()
}

/// Where the value ends that starts with the first token: an array or object at its own bracket.
fn value_end(tokens: &[&Token]) -> Option<usize> {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            Kind::Mark(b'[' | b'{') => depth += 1,
            Kind::Mark(b']' | b'}') => depth = depth.checked_sub(1)?,
            Kind::Text | Kind::Number | Kind::Word | Kind::Space | Kind::Mark(_) => {}
        }
        if depth == 0 {
            return Some(token.range.end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(input: &str) -> Vec<&str> {
        tokens(input.as_bytes())
            .into_iter()
            .map(|token| input.get(token.range).unwrap())
            .collect()
    }

    #[test]
    fn pieces_join_to_the_whole() {
        let input = r#"{"a\"b": -1.5e3, [true]} GET /x?y=1&z=%20 "open"#;
        assert_eq!(pieces(input).concat(), input);
        assert_eq!(
            pieces(r#""a\"b":-1.5,x"#),
            ["\"a\\\"b\"", ":", "-1.5", ",", "x"]
        );
    }

    #[test]
    fn a_pair_holds_its_whole_value() {
        let input = r#"{"a": {"b": [1, {"c": 2}]}, "d": 3}"#;
        let found: Vec<_> = pairs(&tokens(input.as_bytes()))
            .into_iter()
            .map(|pair| {
                let part = |range| input.get(range).unwrap();
                (part(pair.name), part(pair.value))
            })
            .collect();
        assert_eq!(
            found,
            [
                ("\"a\"", r#"{"b": [1, {"c": 2}]}"#),
                ("\"b\"", r#"[1, {"c": 2}]"#),
                ("\"c\"", "2"),
                ("\"d\"", "3"),
            ]
        );
    }
}
