//! Which column a refusal is about, as far as the service's text says.
//!
//! The text is for people, and may change at any time ("Zerobus Ingest error handling"); what is found in it is a help
//! for people too, and nothing is decided by it.

use zerobus_record::ColumnPath;

/// No name is longer (Delta's own limit is 255 characters).
const NAME_MAX: usize = 255;
/// JSON is looked into up to this depth, as deep as serde_json reads.
const DEPTH_MAX: usize = 128;

/// The column that `message` names; `json` is the refused record, where it is one alone and JSON.
pub(crate) fn column_of(message: &str, json: Option<&[u8]>) -> Option<ColumnPath> {
    named(message).or_else(|| at_position(message, json?))
}

/// `column a.b: expected …`, `unrecognized field name 'a'`, `for field "a"`, `for the key "a"`.
fn named(message: &str) -> Option<ColumnPath> {
    let by_path = message.match_indices("column ").find_map(|(at, label)| {
        let rest = message.get(at + label.len()..)?;
        let (path, _) = rest.split_once(": ")?;
        let is_path = !path.is_empty()
            && path.len() <= 8 * NAME_MAX
            && path
                .split('.')
                .all(|part| is_name(part) && !part.starts_with(|c: char| c.is_ascii_digit()));
        is_path.then(|| {
            let parts = path.split('.');
            parts.fold(ColumnPath::default(), |path, part| path.child(part))
        })
    });
    by_path.or_else(|| {
        ["field name ", "field ", "key ", "column "]
            .iter()
            .find_map(|label| {
                let mut places = message.match_indices(label);
                places.find_map(|(at, label)| {
                    let name = quoted(message.get(at + label.len()..)?)?;
                    Some(ColumnPath::column(name))
                })
            })
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What stands in quotes at the start.
fn quoted(text: &str) -> Option<&str> {
    let quote = text
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"' | '`'))?;
    let (name, _) = text.get(1..)?.split_once(quote)?;
    (!name.is_empty() && name.len() <= NAME_MAX).then_some(name)
}

/// `… at line 1 column 285`: what stands there in the record.
fn at_position(message: &str, json: &[u8]) -> Option<ColumnPath> {
    let (before, column) = message.rsplit_once(" column ")?;
    let (_, line) = before.rsplit_once("at line ")?;
    let digits = column.split(|c: char| !c.is_ascii_digit()).next()?;
    let (line, column): (usize, usize) = (line.parse().ok()?, digits.parse().ok()?);
    let starts = json
        .iter()
        .zip(1_usize..)
        .filter(|(byte, _)| **byte == b'\n');
    let mut starts = std::iter::once(0_usize).chain(starts.map(|(_, after)| after));
    let start = starts.nth(line.checked_sub(1)?)?;
    path_at(json, start.checked_add(column)?)
}

/// A container that is open.
enum Open {
    /// With the key that was read last, and whether the next string is one.
    Object {
        key: String,
        key_next: bool,
    },
    Array,
}

/// The place of the key or value in which the first `end` bytes end.
fn path_at(json: &[u8], end: usize) -> Option<ColumnPath> {
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let token = match byte {
            b'"' => string_len(json.get(at..)?)?,
            b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                let rest = json.get(at..)?;
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                rest.iter().take_while(is_part).count()
            }
            _ => 1,
        };
        let text = json.get(at..at + token)?;
        at += token;
        match byte {
            b'{' | b'[' if open.len() == DEPTH_MAX => return None,
            b'{' => open.push(Open::Object {
                key: String::new(),
                key_next: true,
            }),
            b'[' => open.push(Open::Array),
            b'}' | b']' => {
                open.pop();
            }
            _ => match (byte, open.last_mut()) {
                (b'"', Some(Open::Object { key, key_next })) if *key_next => {
                    *key = serde_json::from_slice(text).ok()?;
                    *key_next = false;
                }
                (b',', Some(Open::Object { key_next, .. })) => *key_next = true,
                _ => {}
            },
        }
        if at >= end {
            break;
        }
    }
    let mut path = ColumnPath::default();
    for container in &open {
        path = match container {
            Open::Object { key, .. } if key.is_empty() => break,
            Open::Object { key, .. } => path.child(key),
            Open::Array => path.child("element"),
        };
    }
    (!path.parts().is_empty()).then_some(path)
}

/// How long the string is that begins here, quotes included.
fn string_len(json: &[u8]) -> Option<usize> {
    let mut escaped = false;
    let end = json.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(message: &str, json: Option<&str>) -> Option<String> {
        column_of(message, json.map(str::as_bytes)).map(|path| path.to_string())
    }

    #[test]
    fn a_column_that_is_named_is_found() {
        for (message, column) in [
            (
                "Record decoder/encoder error: unrecognized field name 'ip' at line 1 column 285. Error Code: 4044, Error State: 3.",
                Some("ip"),
            ),
            (
                "Record 3 of the message at offset 7 does not fit table a.b.c: column place.lat: expected DOUBLE, found text. \
                 Error Code: 4044, Error State: 0.",
                Some("place.lat"),
            ),
            (
                "Record 0 does not fit table t: the table has no column for the key \"x\". Error Code: 4044, Error State: 0.",
                Some("x"),
            ),
            (
                "Proto not self-contained for field \"meta\" with type name \"Meta\". Error Code: 4033, Error State: 0.",
                Some("meta"),
            ),
            (
                "Record cannot be decoded. Error Code: 4044, Error State: 0.",
                None,
            ),
            (
                "invalid digit found in string at line 1 column 19. Error Code: 4044",
                None,
            ),
            ("a field too many; a key is missing: column", None),
            ("column 1: x", None),
            ("", None),
        ] {
            assert_eq!(found(message, None).as_deref(), column, "{message}");
        }
    }

    #[test]
    fn a_position_is_looked_up_in_the_record() {
        let json = "{\"name\": \"a\\\"b\", \"at\": \"2026-01-01\",\n \"list\": [1, {\"x\": true}], \"place\": {\"lat\": null}}";
        let at = |needle: &str| {
            let end = json.find(needle).unwrap() + needle.len();
            let line_start = json[..end].rfind('\n').map_or(0, |newline| newline + 1);
            let line = json[..end].matches('\n').count() + 1;
            let message = format!(
                "Record decoder/encoder error: invalid digit found in string at line {line} column {}. Error Code: 4044, Error State: 3.",
                end - line_start
            );
            found(&message, Some(json))
        };
        for (needle, path) in [
            ("\"name\"", Some("name")),
            ("\"a\\\"b\"", Some("name")),
            ("\"2026", Some("at")),
            ("\"2026-01-01\"", Some("at")),
            ("[1", Some("list.element")),
            ("true", Some("list.element.x")),
            ("null", Some("place.lat")),
            ("null}", Some("place")),
            ("null}}", None),
            ("{", None),
        ] {
            assert_eq!(at(needle).as_deref(), path, "{needle}");
        }
        assert_eq!(found("at line 9 column 1", Some(json)), None);
        assert_eq!(found("at line 0 column 1", Some(json)), None);
        let large = format!("at line 1 column {}", usize::MAX);
        assert_eq!(found(&large, Some(json)), None);
    }

    proptest! {
        #[test]
        fn arbitrary_texts_never_panic(
            message in "(column |field |at line |[0-9]{1,20}|'|\"|: |\\PC{0,3}){0,12}",
            json: Vec<u8>,
            near in "[\\[\\]{}:,\"a\\\\ 1\n]{0,40}",
        ) {
            let _ = column_of(&message, Some(&json));
            let _ = column_of(&message, Some(near.as_bytes()));
        }
    }
}
