//! The page on strictness says what the tests hold.

use std::fs;
use std::path::Path;

#[test]
fn every_row_of_the_page_names_tests_that_there_are() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(package.join("src/strictness.md")).unwrap();
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what "));
    let mut count = 0;
    for row in rows {
        count += 1;
        let cells: Vec<_> = row.trim_matches('|').split(" |").map(str::trim).collect();
        let [what, _, tests] = cells[..] else {
            panic!("{row}")
        };
        assert!(!what.is_empty(), "{row}");
        for test in tests.split(", ") {
            let test = test.trim_matches('`');
            let (module, name) = test.split_once("::").unwrap_or_else(|| panic!("{row}"));
            let file = match module {
                "decode" => "src/decode/tests.rs".to_owned(),
                "descriptors" => "src/decode/descriptor.rs".to_owned(),
                "binary" => "tests/binary.rs".to_owned(),
                "variant" => "src/decode/variant.rs".to_owned(),
                module => format!("tests/service/{module}.rs"),
            };
            // Those of the server in a process of its own.
            let (file, name) = match (module, name.split_once("::")) {
                ("kill", Some((module, name))) => (format!("tests/kill/{module}.rs"), name),
                _ => (file, name),
            };
            let source = fs::read_to_string(package.join(&file)).unwrap();
            let found = source.contains(&format!("fn {name}("));
            assert!(found, "{file} has no test {name}: {row}");
        }
    }
    assert!(count > 30, "{count} rows were found");
}
