//! The settings of generated Rust, as arguments and `zerobus.toml` give them.

use zerobus_codegen::RustOptions;

use crate::args::RustSettings;

/// Every setting, as `zerobus.toml` calls it.
pub(crate) const KEYS: [&str; 2] = ["record_crate", "derives"];

/// Sets one of them.
pub(crate) fn set(options: &mut RustOptions, key: &str, values: &[&str]) -> Result<(), String> {
    let one = || match values {
        [value] => Ok(*value),
        _ => Err("expected one value".to_owned()),
    };
    match key {
        "record_crate" => options.record_crate = one()?.to_owned(),
        "derives" => options.derives = values.iter().map(|&value| value.to_owned()).collect(),
        _ => return Err(format!("`{key}` is not known")),
    }
    Ok(())
}

/// The settings given on the command line.
pub(crate) fn of_args(args: &RustSettings) -> Result<RustOptions, String> {
    let mut options = RustOptions::default();
    let given = [
        ("record_crate", args.record_crate.as_slice()),
        ("derives", args.derives.as_slice()),
    ];
    for (key, values) in given {
        if !values.is_empty() {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            set(&mut options, key, &values)
                .map_err(|problem| format!("--{}: {problem}", key.replace('_', "-")))?;
        }
    }
    Ok(options)
}
