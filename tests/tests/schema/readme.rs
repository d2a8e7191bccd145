//! The README says what the code does.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- type table: begin -->\n";
const END: &str = "<!-- type table: end -->";

#[test]
fn the_type_table_is_the_mappings() {
    for file in ["README.md", "zerobus-record/README.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let readme = fs::read_to_string(&path).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        let table = zerobus_schema::mapping::type_table();
        let current = format!("{before}{BEGIN}{table}{END}{after}");
        if readme == current {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, current).unwrap();
        } else {
            panic!(
                "{file} has another type table than the mapping; run with UPDATE_EXPECT=1 to write it anew"
            );
        }
    }
}
