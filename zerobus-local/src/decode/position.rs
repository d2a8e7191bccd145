//! Where in the text of a JSON record something stands, as the service's errors have it.

use std::borrow::Cow;
use std::fmt;

use serde_core::Deserializer;
use serde_core::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One step from a value to one within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To an object's value of this key.
    Value(String),
    /// To the key itself.
    Key(String),
    /// To an array's element.
    Element(usize),
}

/// The end of a key or value, both counted from 1; the column in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    line: usize,
    column: usize,
}

impl Position {
    /// Where the steps, innermost first, lead to. Of a key that comes twice it is the first.
    pub(super) fn of(steps: &[Step], record: &str) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(record);
        // What is looked for is told as an error, because errors know where they are.
        let found = Search { steps }.deserialize(&mut json).err()?;
        Some(Self {
            line: found.line(),
            column: found.column(),
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// Reads on to the end of what the steps lead to, and fails there: where a value has been read and nothing behind it.
#[derive(Clone, Copy)]
struct Search<'s> {
    steps: &'s [Step],
}

impl<'de> DeserializeSeed<'de> for Search<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Search<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.end()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.end()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.end()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.end()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.end()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.end()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.steps.split_last() {
                Some((Step::Key(wanted), _)) if *wanted == key => {
                    return Err(A::Error::custom("here"));
                }
                Some((Step::Value(wanted), steps)) if *wanted == key => {
                    map.next_value_seed(Search { steps })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.end()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Some((Step::Element(at), steps)) = self.steps.split_last() else {
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return self.end();
        };
        for _ in 0..*at {
            elements.next_element::<IgnoredAny>()?;
        }
        elements.next_element_seed(Search { steps })?;
        Ok(())
    }
}

impl Search<'_> {
    fn end<E: Error>(self) -> Result<(), E> {
        if self.steps.is_empty() {
            return Err(E::custom("here"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_the_end_of_what_is_there() {
        let record = "{\"a\": [1, {\"b\\u0063\": true}],\n \"d\": \"ü\", \"a\": 1}";
        let value = |key: &str| Step::Value(key.to_owned());
        let key = |key: &str| Step::Key(key.to_owned());
        for (mut steps, end, line) in [
            (vec![key("a")], "{\"a\"", 1),
            (vec![value("a")], "{\"a\": [1, {\"b\\u0063\": true}]", 1),
            (vec![value("a"), Step::Element(0)], "{\"a\": [1", 1),
            (
                vec![value("a"), Step::Element(1), key("bc")],
                "{\"a\": [1, {\"b\\u0063\"",
                1,
            ),
            (
                vec![value("a"), Step::Element(1), value("bc")],
                "{\"a\": [1, {\"b\\u0063\": true",
                1,
            ),
            (vec![value("d")], " \"d\": \"ü\"", 2),
        ] {
            steps.reverse();
            let column = end.len();
            let found = Position::of(&steps, record);
            assert_eq!(found, Some(Position { line, column }), "{steps:?}");
        }
    }
}
