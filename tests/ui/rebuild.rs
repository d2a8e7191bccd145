//! A changed snapshot compiles again what was compiled against it, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const ORDERS: &str = include_str!("../schemas/main.default.computed.json");
const READINGS: &str = include_str!("../schemas/main.default.air_quality.json");

/// A workspace of two packages, each with a record of a table of its own, whose snapshots lie side by side.
struct Workspace {
    root: PathBuf,
}

impl Workspace {
    fn new() -> Self {
        // Kept from run to run, as cargo's own folders are.
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuild");
        let workspace = Self { root };
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        workspace.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"orders\", \"readings\"]\n",
        );
        let lock = fs::read_to_string(repository.join("Cargo.lock")).unwrap();
        workspace.write("Cargo.lock", &lock);
        let record = repository.join("zerobus-record");
        for (name, table, field) in [
            ("orders", "main.default.computed", "amount: i64"),
            (
                "readings",
                "main.default.air_quality",
                "device_name: String, #[zerobus(unit = \"micros\")] observed_at: i64",
            ),
        ] {
            workspace.write(
                &format!("{name}/Cargo.toml"),
                &format!(
                    "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                     [dependencies]\nzerobus-record = {{ path = {record:?} }}\n"
                ),
            );
            workspace.write(
                &format!("{name}/src/lib.rs"),
                &format!(
                    "#[derive(zerobus_record::ZerobusRecord)]\n#[zerobus(table = {table:?})]\npub struct Record {{ {field} }}\n"
                ),
            );
        }
        workspace.write("schemas/main.default.computed.json", ORDERS);
        workspace.write("schemas/main.default.air_quality.json", READINGS);
        workspace
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // What is the same keeps its time, or cargo would compile it again.
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return;
        }
        fs::write(path, text).unwrap();
    }

    /// What was compiled, and what the compiler said.
    fn check(&self) -> (Vec<String>, String) {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--workspace", "--offline", "--keep-going"])
            .args(["--message-format", "json"])
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env_remove("ZEROBUS_SCHEMAS")
            .current_dir(&self.root)
            .output()
            .unwrap();
        let (mut compiled, mut said) = (Vec::new(), String::new());
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            let name = message["target"]["name"].as_str().unwrap_or_default();
            match message["reason"].as_str().unwrap() {
                "compiler-artifact" if message["fresh"] == false => compiled.push(name.to_owned()),
                "compiler-message" => {
                    said.push_str(message["message"]["rendered"].as_str().unwrap());
                }
                _ => {}
            }
        }
        assert!(
            output.status.success() || !said.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        (compiled, said)
    }
}

#[test]
fn a_changed_snapshot_compiles_again_what_depends_on_it_alone() {
    let workspace = Workspace::new();
    assert_eq!(workspace.check().1, "");
    assert_eq!(workspace.check().0, [""; 0], "nothing has changed");

    let commented = ORDERS.replacen(
        "\"metadata\": {}",
        "\"metadata\": { \"comment\": \"sum\" }",
        1,
    );
    assert_ne!(commented, ORDERS);
    workspace.write("schemas/main.default.computed.json", &commented);
    assert_eq!(workspace.check().0, ["orders"]);

    let stricter = ORDERS.replace("\"long\"", "\"double\"");
    workspace.write("schemas/main.default.computed.json", &stricter);
    let (_, said) = workspace.check();
    assert!(
        said.contains(
            "column `amount` of main.default.computed is DOUBLE; `i64` cannot be written to it"
        ),
        "{said}"
    );
    assert!(!said.contains("air_quality"), "{said}");
    workspace.write("schemas/main.default.computed.json", ORDERS);
}
