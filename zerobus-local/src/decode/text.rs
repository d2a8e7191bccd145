//! Values that travel as text and are stored as something else.

use super::fault::Fault;

/// The most characters of a value that an error quotes.
const QUOTED_MAX: usize = 40;

/// Reads decimal text into an unscaled integer; it must fit exactly.
///
/// `[+-]digits[.digits]`, no exponent (**assumption**: the service documents plain decimal text and nothing else).
pub(super) fn decimal(text: &str, precision: u8, scale: u8) -> Result<i128, Fault> {
    let refuse = |what: &str| {
        Fault::new(format!(
            "expected decimal text that fits DECIMAL({precision},{scale}), found {} ({what})",
            quoted(text)
        ))
    };
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut unscaled = 0_i128;
    let mut significant = 0_u32;
    let mut any = false;
    let mut fraction: Option<u8> = None;
    for &byte in digits {
        match byte {
            b'.' if fraction.is_none() => fraction = Some(0),
            b'0'..=b'9' => {
                any = true;
                if let Some(places) = &mut fraction {
                    if *places == scale {
                        if byte != b'0' {
                            return Err(refuse("too many digits behind the point"));
                        }
                        continue;
                    }
                    *places += 1;
                }
                if significant > 0 || byte != b'0' {
                    significant += 1;
                }
                if significant > u32::from(precision) {
                    return Err(refuse("too many digits"));
                }
                unscaled = unscaled * 10 + i128::from(byte - b'0');
            }
            _ => return Err(refuse("not a plain decimal number")),
        }
    }
    if !any {
        return Err(refuse("not a plain decimal number"));
    }
    for _ in fraction.unwrap_or(0)..scale {
        if unscaled != 0 {
            significant += 1;
        }
        if significant > u32::from(precision) {
            return Err(refuse("too many digits before the point"));
        }
        unscaled *= 10;
    }
    Ok(if negative { -unscaled } else { unscaled })
}

/// Checks the length of a CHAR(n) or VARCHAR(n), in characters.
pub(super) fn check_length(text: &str, max: u32, type_name: &str) -> Result<(), Fault> {
    // A text has at most as many characters as bytes, so most need no count.
    if u32::try_from(text.len()).is_ok_and(|bytes| bytes <= max) {
        return Ok(());
    }
    let count = text.chars().count();
    if u32::try_from(count).is_ok_and(|count| count <= max) {
        return Ok(());
    }
    Err(Fault::new(format!(
        "expected at most {max} characters for {type_name}({max}), found {count}"
    )))
}

/// The text as an error shows it.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Bytes as an error shows them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(QUOTED_MAX / 2);
    let shown: String = shown.map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > QUOTED_MAX / 2 {
        "…"
    } else {
        ""
    };
    format!("x'{shown}{more}'")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_that_fit_are_exact() {
        for (text, precision, scale, unscaled) in [
            ("19.99", 10, 2, 1999),
            ("-19.9", 10, 2, -1990),
            ("+7", 10, 2, 700),
            (".5", 3, 2, 50),
            ("5.", 3, 2, 500),
            ("0019.9900", 4, 2, 1999),
            ("0.00", 2, 2, 0),
            ("9".repeat(38).as_str(), 38, 0, 10_i128.pow(38) - 1),
        ] {
            assert_eq!(decimal(text, precision, scale), Ok(unscaled), "{text}");
        }
    }

    #[test]
    fn decimals_that_do_not_fit_are_refused() {
        for (text, precision, scale) in [
            ("19.999", 10, 2),
            ("100", 4, 2),
            ("100000", 5, 0),
            ("1e2", 10, 2),
            ("", 10, 2),
            (".", 10, 2),
            ("-", 10, 2),
            ("1.2.3", 10, 2),
            (" 1", 10, 2),
            ("NaN", 10, 2),
            ("１", 10, 2),
            ("9".repeat(39).as_str(), 38, 0),
        ] {
            assert!(decimal(text, precision, scale).is_err(), "{text:?}");
        }
    }

    #[test]
    fn length_counts_characters() {
        assert!(check_length("äöü", 3, "VARCHAR").is_ok());
        assert!(check_length("abcd", 3, "VARCHAR").is_err());
    }

    proptest! {
        #[test]
        fn printed_decimals_come_back(value in -(10_i128.pow(18))..10_i128.pow(18), scale in 0_u8..=18) {
            let digits = format!("{:0width$}", value.abs(), width = usize::from(scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
            let sign = if value < 0 { "-" } else { "" };
            let text = format!("{sign}{whole}.{fraction}");
            prop_assert_eq!(decimal(&text, 38, scale), Ok(value));
        }

        #[test]
        fn arbitrary_text_never_panics(text in any::<String>(), scale in 0_u8..=38) {
            let _ = decimal(&text, 38, scale);
            let _ = check_length(&text, 3, "CHAR");
        }
    }
}
