//! JSON text into a VARIANT, with the types that Spark's `parse_json` gives to values.

use std::collections::BTreeMap;

use parquet_variant::{
    ObjectFieldBuilder, Variant, VariantBuilder, VariantBuilderExt, VariantDecimal4,
    VariantDecimal8, VariantDecimal16,
};
use serde_json::Error;
use serde_json::value::RawValue;

use super::fault::Fault;
use super::text::quoted;

/// As many levels as serde_json reads by itself.
const DEPTH_MAX: usize = 128;
/// Of a decimal, behind the point too.
const DIGITS_MAX: usize = 38;

/// Reads JSON text into the two buffers of a VARIANT: metadata and value. Of keys that come twice, the last one counts.
pub(super) fn variant(json: &str) -> Result<(Vec<u8>, Vec<u8>), Fault> {
    let refuse = |problem: String| {
        Fault::new(format!(
            "expected JSON text for a VARIANT, found {} ({problem})",
            quoted(json)
        ))
    };
    let mut builder = VariantBuilder::new();
    let value: &RawValue = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    append(value, &mut builder, 0).map_err(refuse)?;
    Ok(builder.finish())
}

fn append(
    value: &RawValue,
    builder: &mut impl VariantBuilderExt,
    depth: usize,
) -> Result<(), String> {
    let json = value.get();
    let malformed = |error: Error| format!("{error} in {}", quoted(json));
    match json.as_bytes().first() {
        Some(b'{' | b'[') if depth == DEPTH_MAX => {
            return Err(format!("more than {DEPTH_MAX} levels"));
        }
        Some(b'{') => {
            let fields: BTreeMap<String, &RawValue> =
                serde_json::from_str(json).map_err(malformed)?;
            let mut object = builder
                .try_new_object()
                .map_err(|error| error.to_string())?;
            for (key, value) in fields {
                let mut field = ObjectFieldBuilder::new(&key, &mut object);
                append(value, &mut field, depth + 1)?;
            }
            object.finish();
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(malformed)?;
            let mut list = builder.try_new_list().map_err(|error| error.to_string())?;
            for element in elements {
                append(element, &mut list, depth + 1)?;
            }
            list.finish();
        }
        Some(b'"') => {
            let text: String = serde_json::from_str(json).map_err(malformed)?;
            builder.append_value(text.as_str());
        }
        Some(b't' | b'f') => builder.append_value(json == "true"),
        Some(b'n') => builder.append_value(Variant::Null),
        _ => match exact(json) {
            Some(number) => builder.append_value(number),
            None => builder.append_value(serde_json::from_str::<f64>(json).map_err(malformed)?),
        },
    }
    Ok(())
}

/// The smallest integer that holds a number, or else the smallest decimal; none for one with an exponent or of more
/// digits.
fn exact(number: &str) -> Option<Variant<'static, 'static>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if !number.contains('.')
        && let Ok(value) = whole.parse::<i64>()
    {
        return Some(integer(value));
    }
    let digits = whole.trim_start_matches('-').len() + fraction.len();
    if number.contains(['e', 'E']) || digits > DIGITS_MAX + 1 {
        return None;
    }
    // One more digit than fits may be the zero before the point.
    let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = u8::try_from(fraction.len()).ok()?;
    let small = i32::try_from(unscaled).ok();
    let medium = i64::try_from(unscaled).ok();
    None.or_else(|| {
        VariantDecimal4::try_new(small?, scale)
            .ok()
            .map(Variant::from)
    })
    .or_else(|| {
        VariantDecimal8::try_new(medium?, scale)
            .ok()
            .map(Variant::from)
    })
    .or_else(|| {
        VariantDecimal16::try_new(unscaled, scale)
            .ok()
            .map(Variant::from)
    })
}

fn integer(value: i64) -> Variant<'static, 'static> {
    if let Ok(value) = i8::try_from(value) {
        value.into()
    } else if let Ok(value) = i16::try_from(value) {
        value.into()
    } else if let Ok(value) = i32::try_from(value) {
        value.into()
    } else {
        value.into()
    }
}

#[cfg(test)]
mod tests {
    use parquet_variant_json::VariantToJson as _;
    use proptest::prelude::*;

    use super::*;

    /// The type of a value, and it as JSON.
    fn read(json: &str) -> (String, String) {
        let (metadata, value) = variant(json).unwrap();
        let variant = Variant::try_new(&metadata, &value).unwrap();
        let shown = format!("{variant:?}");
        let kind = shown.split(['(', ' ']).next().unwrap().to_owned();
        (kind, variant.to_json_string().unwrap())
    }

    #[test]
    fn numbers_have_the_smallest_type_that_holds_them_exactly() {
        for (json, kind) in [
            ("-128", "Int8"),
            ("128", "Int16"),
            ("-32769", "Int32"),
            ("2147483648", "Int64"),
            ("-9223372036854775808", "Int64"),
            ("9223372036854775808", "Decimal16"),
            ("12345678901234567890123456789012345678", "Decimal16"),
            ("1.5", "Decimal4"),
            ("-0.123456789", "Decimal4"),
            ("0.1234567891", "Decimal8"),
            ("1234567890.12345678", "Decimal8"),
            ("1234567890.123456789", "Decimal16"),
            ("1e2", "Double"),
            ("1.25E-3", "Double"),
            ("123456789012345678901234567890123456789", "Double"),
        ] {
            assert_eq!(read(json).0, kind, "{json}");
        }
        let longest = format!("0.{}", "9".repeat(38));
        assert_eq!(read(&longest), ("Decimal16".to_owned(), longest));
        assert_eq!(read(&format!("0.{}", "9".repeat(39))).0, "Double");
        // The value, and not how it was written.
        assert_eq!(read("1.50").1, "1.5");
    }

    #[test]
    fn values_within_each_other_are_read_whole() {
        let json = r#"{"a":[1,{"b":null},"\u00e4\n"],"c":{},"d":true,"\ud83d\ude00":[]}"#;
        let read: serde_json::Value = serde_json::from_str(&read(json).1).unwrap();
        assert_eq!(
            read,
            serde_json::from_str::<serde_json::Value>(json).unwrap()
        );
    }

    #[test]
    fn the_last_of_keys_that_come_twice_counts() {
        assert_eq!(read(r#"{"a":1,"\u0061":2}"#).1, r#"{"a":2}"#);
    }

    #[test]
    fn what_is_no_json_is_refused_with_the_reason() {
        for (json, problem) in [
            ("", "EOF while parsing a value"),
            ("{\"a\":}", "expected value"),
            ("[1,]", "expected value"),
            ("01", "invalid number"),
            (
                "1e999",
                "number out of range at line 1 column 5 in \"1e999\"",
            ),
            ("NaN", "expected value"),
            (r#"["\ud800"]"#, "unexpected end of hex escape"),
            ("1 2", "trailing characters"),
        ] {
            let fault = variant(json).unwrap_err().to_string();
            assert!(fault.contains(problem), "{json}: {fault}");
        }
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(variant(&nested(DEPTH_MAX)).is_ok());
        let fault = variant(&nested(DEPTH_MAX + 1)).unwrap_err().to_string();
        assert!(fault.contains("more than 128 levels"), "{fault}");
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(json in json()) {
            let (_, text) = read(&json.to_string());
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>()) {
            let _ = variant(&text);
        }
    }
}
