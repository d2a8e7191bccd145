use syn::{Error, LitStr, Result};

/// A rule of `rename_all`, by serde's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const CASES: [(&str, Case); 8] = [
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    pub(crate) fn parse(text: &LitStr) -> Result<Self> {
        let value = text.value();
        CASES
            .iter()
            .find(|(name, _)| *name == value)
            .map(|&(_, case)| case)
            .ok_or_else(|| {
                let names: Vec<String> =
                    CASES.iter().map(|(name, _)| format!("{name:?}")).collect();
                Error::new(
                    text.span(),
                    format!("unknown case; it is one of {}", names.join(", ")),
                )
            })
    }

    /// The name of a field, which is in snake case.
    pub(crate) fn of_field(self, field: &str) -> String {
        self.join(
            &field.split('_').map(str::to_owned).collect::<Vec<_>>(),
            field,
        )
    }

    /// The name of a variant, which is in Pascal case.
    pub(crate) fn of_variant(self, variant: &str) -> String {
        let mut words: Vec<String> = Vec::new();
        for c in variant.chars() {
            match words.last_mut() {
                Some(word) if !c.is_uppercase() => word.push(c),
                _ => words.push(c.to_lowercase().collect()),
            }
        }
        self.join(&words, variant)
    }

    fn join(self, words: &[String], original: &str) -> String {
        let capital = |word: &String| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars).collect::<String>()
        };
        let capitals = || words.iter().map(capital).collect::<String>();
        match self {
            Self::Lower => original.to_ascii_lowercase(),
            Self::Upper => original.to_ascii_uppercase(),
            Self::Pascal => capitals(),
            Self::Camel => {
                let (first, rest) = match words.split_first() {
                    Some((first, rest)) => (first.as_str(), rest),
                    None => ("", words),
                };
                first
                    .chars()
                    .chain(rest.iter().map(capital).collect::<String>().chars())
                    .collect()
            }
            Self::Snake => words.join("_"),
            Self::ScreamingSnake => words.join("_").to_ascii_uppercase(),
            Self::Kebab => words.join("-"),
            Self::ScreamingKebab => words.join("-").to_ascii_uppercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_serdes_rules() {
        let all = |rename: fn(Case, &str) -> String, name| {
            CASES.map(|(_, case)| rename(case, name)).join(" ")
        };
        assert_eq!(
            all(Case::of_field, "device_name"),
            "device_name DEVICE_NAME DeviceName deviceName device_name DEVICE_NAME device-name DEVICE-NAME"
        );
        assert_eq!(
            all(Case::of_variant, "OutOfRange"),
            "outofrange OUTOFRANGE OutOfRange outOfRange out_of_range OUT_OF_RANGE out-of-range OUT-OF-RANGE"
        );
    }
}
