//! The settings of generated Rust, as arguments and `zerobus.toml` give them.

use std::str::FromStr;

use zerobus_codegen::RustOptions;

use crate::args::RustSettings;

/// Every setting, as `zerobus.toml` calls it; the arguments have dashes.
pub(crate) const KEYS: [&str; 12] = [
    "record_crate",
    "derives",
    "style",
    "date_time",
    "decimal",
    "map",
    "string",
    "variant",
    "construct",
    "skip",
    "type_attributes",
    "field_attributes",
];

/// Sets one of them.
pub(crate) fn set(options: &mut RustOptions, key: &str, values: &[&str]) -> Result<(), String> {
    let owned = || values.iter().map(|&value| value.to_owned()).collect();
    match key {
        "record_crate" => options.record_crate = krate(one(values)?)?,
        "derives" => options.derives = owned(),
        "style" => options.style = read(values)?,
        "date_time" => options.date_time = read(values)?,
        "decimal" => options.decimal = read(values)?,
        "map" => options.map = read(values)?,
        "string" => options.string = read(values)?,
        "variant" => options.variant = read(values)?,
        "construct" => options.construct = read(values)?,
        "skip" => options.skip = owned(),
        "type_attributes" => options.type_attributes = attributes(values)?,
        "field_attributes" => options.field_attributes = attributes(values)?,
        _ => return Err(format!("`{key}` is not known")),
    }
    Ok(())
}

fn one<'a>(values: &[&'a str]) -> Result<&'a str, String> {
    match values {
        [value] => Ok(value),
        _ => Err("expected one value".to_owned()),
    }
}

fn read<T: FromStr<Err = String>>(values: &[&str]) -> Result<T, String> {
    one(values)?.parse()
}

fn krate(name: &str) -> Result<String, String> {
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if name.split("::").all(word) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "expected the name of a crate as code has it, found `{name}`"
        ))
    }
}

/// `PATH=#[…]`.
fn attributes(values: &[&str]) -> Result<Vec<(String, String)>, String> {
    let pair = |value: &&str| {
        let (path, attribute) = value
            .split_once("=#[")
            .ok_or_else(|| format!("expected PATH=#[…], found `{value}`"))?;
        Ok((
            path.trim().to_owned(),
            format!("#[{}", attribute.trim_end()),
        ))
    };
    values.iter().map(pair).collect()
}

/// The settings given on the command line.
pub(crate) fn of_args(args: &RustSettings) -> Result<RustOptions, String> {
    let mut options = RustOptions::default();
    for (key, values) in args.given() {
        if !values.is_empty() {
            set(&mut options, key, &values)
                .map_err(|problem| format!("--{}: {problem}", argument(key)))?;
        }
    }
    Ok(options)
}

impl RustSettings {
    /// Whether any setting is given.
    pub(crate) fn any(&self) -> bool {
        self.given().iter().any(|(_, values)| !values.is_empty())
    }

    fn given(&self) -> [(&'static str, Vec<&str>); 12] {
        fn one(value: &Option<String>) -> Vec<&str> {
            value.iter().map(String::as_str).collect()
        }
        fn many(values: &[String]) -> Vec<&str> {
            values.iter().map(String::as_str).collect()
        }
        [
            ("record_crate", one(&self.record_crate)),
            ("derives", many(&self.derives)),
            ("style", one(&self.style)),
            ("date_time", one(&self.date_time)),
            ("decimal", one(&self.decimal)),
            ("map", one(&self.map)),
            ("string", one(&self.string)),
            ("variant", one(&self.variant)),
            ("construct", one(&self.construct)),
            ("skip", many(&self.skip)),
            ("type_attributes", many(&self.type_attributes)),
            ("field_attributes", many(&self.field_attributes)),
        ]
    }
}

fn argument(key: &str) -> String {
    match key {
        "type_attributes" | "field_attributes" => key.trim_end_matches('s').replace('_', "-"),
        key => key.replace('_', "-"),
    }
}
