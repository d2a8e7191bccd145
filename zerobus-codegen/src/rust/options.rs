use zerobus_schema::mapping::MappingOptions;

/// How Rust records are generated.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RustOptions {
    /// How the table becomes a message; its `message_name` has no bearing on Rust.
    pub mapping: MappingOptions,
    /// The crate that the records come from: `zerobus_client`, or `zerobus_record` where nothing is streamed.
    pub record_crate: String,
    /// What the records derive besides.
    pub derives: Vec<String>,
    /// Where the derive finds the snapshot, from the package's root; `None` for its own way of looking (`schemas/`).
    pub schema_file: Option<String>,
    /// Which kind of code it is.
    pub style: Style,
    /// What DATE, TIMESTAMP and TIMESTAMP_NTZ are.
    pub date_time: DateTimeTypes,
    /// What DECIMAL is.
    pub decimal: DecimalTypes,
    /// What MAP is.
    pub map: MapTypes,
    /// What STRING, CHAR and VARCHAR are.
    pub string: StringTypes,
    /// What VARIANT is.
    pub variant: VariantTypes,
    /// How a record is made besides naming every field.
    pub construct: Construct,
    /// Columns left out of the records: paths such as `note` or `main.default.t.location.label`, see
    /// [`type_attributes`](Self::type_attributes) for how they match. They must be nullable.
    pub skip: Vec<String>,
    /// Attributes by path, put before structs: `(".", "#[derive(Eq)]")`.
    ///
    /// A path of `.` is every struct. One that begins with a dot begins at the catalog (`.main.default.t` is the record of
    /// that table and all structs in it); any other matches the end of a path: `t` is the record of a table `t`,
    /// `t.location` the struct of its column `location`.
    pub type_attributes: Vec<(String, String)>,
    /// Attributes by path, put before fields: `("t.id", "#[serde(rename = \"key\")]")`.
    pub field_attributes: Vec<(String, String)>,
}

impl Default for RustOptions {
    fn default() -> Self {
        Self {
            mapping: MappingOptions::default(),
            record_crate: "zerobus_client".to_owned(),
            derives: ["Debug", "Clone", "PartialEq"].map(str::to_owned).to_vec(),
            schema_file: None,
            style: Style::default(),
            date_time: DateTimeTypes::default(),
            decimal: DecimalTypes::default(),
            map: MapTypes::default(),
            string: StringTypes::default(),
            variant: VariantTypes::default(),
            construct: Construct::default(),
            skip: Vec::new(),
            type_attributes: Vec::new(),
            field_attributes: Vec::new(),
        }
    }
}

/// Names for the values of a setting, the first one the default.
macro_rules! setting {
    ($(#[$doc:meta])* $setting:ident { $($(#[$value_doc:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $setting {
            $($(#[$value_doc])* $value,)*
        }

        impl $setting {
            /// Every value with the name that the command line and `zerobus.toml` know it by, the default first.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$value)),*];
        }

        impl std::str::FromStr for $setting {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| *value).ok_or_else(|| {
                    let known: Vec<&str> = Self::ALL.iter().map(|(known, _)| *known).collect();
                    format!("expected one of {}, found `{name}`", known.join(", "))
                })
            }
        }

        impl Default for $setting {
            fn default() -> Self {
                let [(_, first), ..] = [$(($name, Self::$value)),*];
                first
            }
        }
    };
}

setting! {
    /// Which kind of code is generated.
    Style {
        /// Structs that derive `ZerobusRecord`.
        Record = "record",
        /// Messages of `prost`, with `ZerobusRecord` implemented for them; needs the feature `prost` of this crate.
        /// Units, lengths and digits are then for the caller to keep to.
        Prost = "prost",
    }
}

setting! {
    /// What DATE, TIMESTAMP and TIMESTAMP_NTZ are; the crates stand behind features of the record crate.
    DateTimeTypes {
        /// `DateDays`, `TimestampMicros` and `TimestampNtzMicros`.
        Zerobus = "zerobus",
        /// The types of `jiff`.
        Jiff = "jiff",
        /// The types of `chrono`.
        Chrono = "chrono",
        /// The types of `time`.
        Time = "time",
    }
}

setting! {
    /// What DECIMAL is; the crates stand behind features of the record crate.
    DecimalTypes {
        /// `DecimalText`.
        Text = "text",
        /// `rust_decimal::Decimal`.
        RustDecimal = "rust_decimal",
        /// `bigdecimal::BigDecimal`.
        BigDecimal = "bigdecimal",
        /// `String`.
        String = "string",
    }
}

setting! {
    /// What MAP is.
    MapTypes {
        /// `BTreeMap`, which gives the same bytes for the same entries.
        BTreeMap = "btree_map",
        /// `HashMap`.
        HashMap = "hash_map",
    }
}

setting! {
    /// What STRING, CHAR and VARCHAR are.
    StringTypes {
        /// `String`.
        String = "string",
        /// `&'a str`; the structs get a lifetime.
        Borrowed = "borrowed",
        /// `Cow<'a, str>`; the structs get a lifetime.
        Cow = "cow",
        /// `Box<str>`.
        Box = "box",
        /// `Arc<str>`.
        Arc = "arc",
    }
}

setting! {
    /// What VARIANT is.
    VariantTypes {
        /// `VariantJson`, JSON text.
        Text = "text",
        /// `serde_json::Value`.
        Value = "value",
    }
}

setting! {
    /// How a record is made besides naming every field.
    Construct {
        /// In no other way.
        None = "none",
        /// `new` takes the NOT NULL columns; the others begin as NULL or empty.
        New = "new",
        /// `builder` gives one that is filled by `with_…` and checked by `build`.
        Builder = "builder",
    }
}

/// Whether a path of the options means this one; see [`RustOptions::type_attributes`].
pub(crate) fn matches(pattern: &str, path: &[String]) -> bool {
    if pattern == "." {
        return true;
    }
    let (from_start, pattern) = match pattern.strip_prefix('.') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let parts: Vec<&str> = pattern.split('.').collect();
    let window = if from_start {
        path.get(..parts.len())
    } else {
        path.len()
            .checked_sub(parts.len())
            .and_then(|start| path.get(start..))
    };
    window.is_some_and(|window| window.iter().eq(parts.iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_from_the_start_or_to_the_end() {
        let path = ["main", "default", "t", "location"].map(str::to_owned);
        for pattern in [
            ".",
            "location",
            "t.location",
            ".main",
            ".main.default.t",
            "main.default.t.location",
        ] {
            assert!(matches(pattern, &path), "{pattern}");
        }
        for pattern in [
            "",
            "t",
            "ocation",
            ".default",
            "x.t.location",
            ".main.default.t.location.x",
        ] {
            assert!(!matches(pattern, &path), "{pattern}");
        }
    }

    #[test]
    fn settings_are_read_by_name() {
        assert_eq!("hash_map".parse(), Ok(MapTypes::HashMap));
        assert_eq!(StringTypes::default(), StringTypes::String);
        let error = "chrno".parse::<DateTimeTypes>().unwrap_err();
        assert_eq!(
            error,
            "expected one of zerobus, jiff, chrono, time, found `chrno`"
        );
    }
}
