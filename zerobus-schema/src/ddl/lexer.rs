use crate::error::{Location, SchemaError};

/// What a token is. `<`, `>` and the like are always single, so that `>>` closes two types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword: letters, digits and `_`, also with a leading digit.
    Word,
    /// A name in backticks.
    Quoted,
    /// Digits and nothing else.
    Integer,
    /// Any other number: `1.5`, `1e9`, `7L`.
    Number,
    /// A string in single or double quotes.
    Text,
    /// A string with an `r` before it, in which a backslash is a backslash.
    RawText,
    /// Any other character.
    Symbol(char),
    /// The end of the text.
    End,
}

/// A token: where it lies in the text, quotes included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn is_word(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }
}

/// The first token at or after `from`, past whitespace and comments.
pub(super) fn token(text: &str, from: usize) -> Result<Token<'_>, SchemaError> {
    let start = skip_blank(text, from)?;
    let rest = text.get(start..).unwrap_or("");
    let mut chars = rest.chars();
    let (kind, len) = match (chars.next(), chars.next()) {
        (None, _) => (Kind::End, 0),
        (Some('r' | 'R'), Some('\'' | '"')) => {
            let quoted = quoted_len(rest.get(1..).unwrap_or(""), false);
            (
                Kind::RawText,
                quoted.ok_or_else(|| open_quote(text, start))? + 1,
            )
        }
        (Some('\'' | '"'), _) => {
            let quoted = quoted_len(rest, true);
            (Kind::Text, quoted.ok_or_else(|| open_quote(text, start))?)
        }
        (Some('`'), _) => {
            let quoted = quoted_len(rest, false);
            (Kind::Quoted, quoted.ok_or_else(|| open_quote(text, start))?)
        }
        (Some(first), _) if is_word_char(first) => word(rest),
        (Some(symbol), _) => (Kind::Symbol(symbol), symbol.len_utf8()),
    };
    let text = rest.get(..len).unwrap_or(rest);
    Ok(Token { kind, start, text })
}

/// The text that a string token stands for.
pub(super) fn unescape(token: &Token<'_>) -> String {
    let quoted = match token.kind {
        Kind::RawText => token.text.get(1..).unwrap_or(""),
        _ => token.text,
    };
    let quote = quoted.chars().next().unwrap_or('\'');
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or("");
    if token.kind == Kind::RawText {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            // The lexer lets a quote stand within only when it stands twice.
            chars.next();
            out.push(c);
        } else if c == '\\' {
            escape(&mut chars, &mut out);
        } else {
            out.push(c);
        }
    }
    out
}

/// What follows a backslash, by Spark's rules for string literals.
fn escape(chars: &mut std::str::Chars<'_>, out: &mut String) {
    let rest = chars.as_str();
    let code = |digits: usize, radix: u32, from: usize| {
        rest.get(from..from + digits)
            .filter(|code| code.chars().all(|c| c.is_digit(radix)))
            .and_then(|code| u32::from_str_radix(code, radix).ok())
            .and_then(char::from_u32)
            .map(|c| (c, from + digits))
    };
    let coded = match rest.chars().next() {
        Some('u') => code(4, 16, 1).or_else(|| surrogates(rest)),
        Some('U') => code(8, 16, 1),
        Some('0' | '1') => code(3, 8, 0),
        _ => None,
    };
    if let Some((c, len)) = coded {
        out.push(c);
        *chars = rest.get(len..).unwrap_or("").chars();
        return;
    }
    match chars.next() {
        Some('0') => out.push('\0'),
        Some('b') => out.push('\u{8}'),
        Some('n') => out.push('\n'),
        Some('r') => out.push('\r'),
        Some('t') => out.push('\t'),
        Some('Z') => out.push('\u{1a}'),
        // Kept as they are, because LIKE reads them again.
        Some(c @ ('%' | '_')) => out.extend(['\\', c]),
        Some(c) => out.push(c),
        None => out.push('\\'),
    }
}

/// `uD83D\\uDE00`: a character in two halves, as UTF-16 and thus Java has it.
fn surrogates(text: &str) -> Option<(char, usize)> {
    const LEN: usize = "uD83D\\uDE00".len();
    let (high, low) = text.get(1..LEN)?.split_once("\\u")?;
    let unit = |digits: &str| u16::from_str_radix(digits, 16).ok();
    let pair = [unit(high)?, unit(low)?];
    let mut decoded = char::decode_utf16(pair);
    match (decoded.next(), decoded.next()) {
        (Some(Ok(c)), None) => Some((c, LEN)),
        _ => None,
    }
}

fn is_word_char(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn word(rest: &str) -> (Kind, usize) {
    let end = |text: &str| text.find(|c| !is_word_char(c)).unwrap_or(text.len());
    let len = end(rest);
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    if digits == len {
        // `1.5` is one number; `t.1a` has been divided at the dot before it comes here.
        let fraction = rest.get(len..).and_then(|tail| tail.strip_prefix('.'));
        return match fraction {
            Some(tail) if tail.starts_with(|c: char| c.is_ascii_digit()) => {
                (Kind::Number, len + 1 + end(tail))
            }
            _ => (Kind::Integer, len),
        };
    }
    let suffix = rest.get(digits..len).unwrap_or("").to_ascii_lowercase();
    let exponent = suffix
        .strip_prefix('e')
        .map(|e| e.trim_end_matches(['d', 'f', 'b']));
    let is_number = digits > 0
        && (matches!(suffix.as_str(), "l" | "s" | "y" | "f" | "d" | "bd")
            || exponent.is_some_and(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit())));
    (if is_number { Kind::Number } else { Kind::Word }, len)
}

/// The length of what the first character opens and closes; the same character twice stands for itself.
fn quoted_len(text: &str, escapes: bool) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    let (_, quote) = chars.next()?;
    while let Some((at, c)) = chars.next() {
        if c == quote
            && (text.starts_with('`') || escapes)
            && chars.next_if(|&(_, c)| c == quote).is_some()
        {
            continue;
        }
        if c == quote {
            return Some(at + c.len_utf8());
        }
        if escapes && c == '\\' {
            chars.next();
        }
    }
    None
}

fn skip_blank(text: &str, from: usize) -> Result<usize, SchemaError> {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or("");
        let blank = rest
            .find(|c: char| !c.is_whitespace() && c != '\u{feff}')
            .unwrap_or(rest.len());
        let rest = rest.get(blank..).unwrap_or("");
        at += blank;
        if rest.starts_with("--") {
            at += line_comment_len(rest);
        } else if rest.starts_with("/*") && !rest.starts_with("/*+") {
            at += comment_len(rest).ok_or_else(|| {
                SchemaError::new("the comment is not closed; end it with `*/`")
                    .at_in(Location::of(text, at), text)
            })?;
        } else {
            return Ok(at);
        }
    }
}

/// The length of a `--` comment: up to the end of the line, which a backslash before it carries over.
fn line_comment_len(text: &str) -> usize {
    let mut last = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\r' => return at,
            b'\n' if last != b'\\' => return at,
            _ => last = byte,
        }
    }
    text.len()
}

/// The length of a `/* */` comment; comments nest.
fn comment_len(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        let pair = (byte, bytes.peek().map(|&(_, next)| next));
        match pair {
            (b'/', Some(b'*')) => depth += 1,
            (b'*', Some(b'/')) if depth == 1 => return Some(at + 2),
            (b'*', Some(b'/')) => depth -= 1,
            _ => continue,
        }
        bytes.next();
    }
    None
}

fn open_quote(text: &str, start: usize) -> SchemaError {
    SchemaError::new("the quote that opens here is not closed")
        .at_in(Location::of(text, start), text)
}
