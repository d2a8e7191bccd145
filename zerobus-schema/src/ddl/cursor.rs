use super::lexer::{self, Kind, Token};
use crate::error::{Location, SchemaError};
use crate::json::INPUT_MAX;

/// The most columns, nested fields, properties and the like that are kept of one text.
const KEPT_MAX: usize = 200_000;

/// A place in a text, with the token that stands there. Cloning it is how one looks ahead.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    token: Token<'a>,
    /// Where the token before ended.
    last_end: usize,
    kept: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, SchemaError> {
        if text.len() > INPUT_MAX {
            return Err(SchemaError::new(format!(
                "the DDL is {} bytes long; at most {INPUT_MAX} are read",
                text.len()
            )));
        }
        Ok(Self {
            text,
            token: lexer::token(text, 0)?,
            last_end: 0,
            kept: 0,
        })
    }

    /// The token that stands here.
    pub(super) fn token(&self) -> Token<'a> {
        self.token
    }

    pub(super) fn at_end(&self) -> bool {
        self.token.kind == Kind::End
    }

    /// Steps over the token and yields it.
    pub(super) fn advance(&mut self) -> Result<Token<'a>, SchemaError> {
        let token = self.token;
        self.token = lexer::token(self.text, token.end())?;
        self.last_end = token.end();
        Ok(token)
    }

    /// Counts something that is about to be kept.
    pub(super) fn count(&mut self) -> Result<(), SchemaError> {
        self.kept += 1;
        if self.kept > KEPT_MAX {
            return Err(self.error(format!(
                "more than {KEPT_MAX} columns, fields and properties"
            )));
        }
        Ok(())
    }

    /// The text from a token's start to the end of the token before this one.
    pub(super) fn text_from(&self, start: usize) -> &'a str {
        self.text.get(start..self.last_end).unwrap_or("")
    }

    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        self.token.kind == Kind::Symbol(symbol)
    }

    pub(super) fn eat_symbol(&mut self, symbol: char) -> Result<bool, SchemaError> {
        let found = self.is_symbol(symbol);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn expect_symbol(&mut self, symbol: char) -> Result<(), SchemaError> {
        if self.eat_symbol(symbol)? {
            return Ok(());
        }
        Err(self.expected(&format!("`{symbol}`")))
    }

    pub(super) fn expect_end(&self, what: &str) -> Result<(), SchemaError> {
        if self.at_end() {
            return Ok(());
        }
        Err(self.expected(what))
    }

    /// Whether these keywords stand here, one after the other.
    pub(super) fn looking_at(&self, keywords: &[&str]) -> bool {
        let mut token = Ok(self.token);
        keywords.iter().enumerate().all(|(i, keyword)| {
            if let (1.., Ok(last)) = (i, &token) {
                token = lexer::token(self.text, last.end());
            }
            token.as_ref().is_ok_and(|token| token.is_word(keyword))
        })
    }

    /// The kind of the token after this one; the end where that cannot be read.
    pub(super) fn next_kind(&self) -> Kind {
        lexer::token(self.text, self.token.end()).map_or(Kind::End, |token| token.kind)
    }

    /// Steps over these keywords if all of them stand here.
    pub(super) fn eat(&mut self, keywords: &[&str]) -> Result<bool, SchemaError> {
        let found = self.looking_at(keywords);
        if found {
            for _ in keywords {
                self.advance()?;
            }
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, keyword: &str) -> Result<(), SchemaError> {
        if self.eat(&[keyword])? {
            return Ok(());
        }
        Err(self.expected(keyword))
    }

    /// A name, in backticks or not.
    pub(super) fn identifier(&mut self, what: &str) -> Result<String, SchemaError> {
        let token = self.token;
        match token.kind {
            Kind::Quoted => {
                let inner = token.text.get(1..token.text.len().saturating_sub(1));
                let name = inner.unwrap_or("").replace("``", "`");
                if name.is_empty() {
                    return Err(self.error(format!("{what} is empty")));
                }
                self.advance()?;
                Ok(name)
            }
            Kind::Word => {
                // `a-b` is what people write; the error is about the name, not about the `-`.
                let tail = self.text.get(token.start..).unwrap_or("");
                let len = tail
                    .find(|c: char| c != '-' && c != '_' && !c.is_alphanumeric())
                    .unwrap_or(tail.len());
                let meant = tail.get(..len).unwrap_or(token.text).split("--").next();
                let meant = meant.unwrap_or(token.text).trim_end_matches('-');
                if meant.len() > token.text.len() || !token.text.is_ascii() {
                    return Err(self.error(format!(
                        "`{}` is no name without backticks; write it in backticks",
                        short(meant)
                    )));
                }
                self.advance()?;
                Ok(token.text.to_owned())
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Names divided by dots.
    pub(super) fn dotted(&mut self, what: &str) -> Result<Vec<String>, SchemaError> {
        let mut parts = vec![self.identifier(what)?];
        while self.eat_symbol('.')? {
            parts.push(self.identifier(what)?);
        }
        Ok(parts)
    }

    /// A string; strings that follow each other are one.
    pub(super) fn string(&mut self, what: &str) -> Result<String, SchemaError> {
        let mut out = String::new();
        let mut none = true;
        while matches!(self.token.kind, Kind::Text | Kind::RawText) {
            out.push_str(&lexer::unescape(&self.advance()?));
            none = false;
        }
        if none {
            return Err(self.expected(what));
        }
        Ok(out)
    }

    /// A whole number from 0.
    pub(super) fn integer(&mut self, what: &str) -> Result<u32, SchemaError> {
        match (self.token.kind, self.token.text.parse()) {
            (Kind::Integer, Ok(number)) => {
                self.advance()?;
                Ok(number)
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Steps over `( … )` with whatever is in it and yields what is between the outer parentheses.
    pub(super) fn parenthesised(&mut self) -> Result<&'a str, SchemaError> {
        let open = self.token;
        self.expect_symbol('(')?;
        let start = self.token.start;
        let mut depth = 1_usize;
        loop {
            match self.token.kind {
                Kind::Symbol('(') => depth += 1,
                Kind::Symbol(')') => depth -= 1,
                Kind::End => {
                    let place = Location::of(self.text, open.start);
                    return Err(SchemaError::new("the `(` is not closed").at_in(place, self.text));
                }
                _ => {}
            }
            if depth == 0 {
                let inner = self.text.get(start..self.last_end).unwrap_or("");
                self.advance()?;
                return Ok(inner);
            }
            self.advance()?;
        }
    }

    /// An error about the token that stands here.
    pub(super) fn error(&self, message: impl Into<String>) -> SchemaError {
        self.error_at(self.token.start, message)
    }

    /// An error about the place that many bytes into the text.
    pub(super) fn error_at(&self, start: usize, message: impl Into<String>) -> SchemaError {
        SchemaError::new(message).at_in(Location::of(self.text, start), self.text)
    }

    /// The error that something else was expected here.
    pub(super) fn expected(&self, what: &str) -> SchemaError {
        self.error(format!("expected {what}, found {}", self.found()))
    }

    /// The token that stands here, for messages.
    pub(super) fn found(&self) -> String {
        match self.token.kind {
            Kind::End => "the end of the text".to_owned(),
            Kind::Quoted | Kind::Text | Kind::RawText => short(self.token.text),
            _ => format!("`{}`", short(self.token.text)),
        }
    }
}

/// A piece of the text, cut to what fits in a message.
pub(super) fn short(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars
        .by_ref()
        .take(40)
        .flat_map(char::escape_debug)
        .collect();
    let cut = if chars.next().is_some() { "…" } else { "" };
    // `escape_debug` is for control characters; quotes may stand as they are.
    format!("{}{cut}", head.replace("\\'", "'").replace("\\\"", "\""))
}
