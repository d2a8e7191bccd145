//! Each row of the type table has a golden case in each place that a type can have.

use std::fs;

use zerobus_schema::mapping::TYPES;
use zerobus_schema::{DataType, StructType, ddl};

use crate::golden;

/// `STRING` of `VARCHAR(7)`'s row is `VARCHAR`: what stands before the parameters.
fn word(data_type: &DataType) -> String {
    let text = data_type.to_string();
    text.split(['(', '<', ' ']).next().unwrap().to_owned()
}

#[test]
fn every_type_of_the_mapping_is_in_every_place() {
    let case = golden::cases()
        .into_iter()
        .find(|case| case.ends_with("every_position"))
        .unwrap();
    let table =
        ddl::parse_create_table(&fs::read_to_string(case.join("table.sql")).unwrap()).unwrap();
    for row in TYPES {
        let name = row.delta.split(['(', '<']).next().unwrap();
        if ["ARRAY", "MAP", "STRUCT"].contains(&name) {
            continue; // the places themselves
        }
        let mut places = Vec::new();
        visit(&table.columns, "", name, &mut places);
        for place in [
            "nullable",
            "not null",
            "array",
            "map",
            "struct nullable",
            "struct not null",
            "struct array",
            "struct map",
            "array struct nullable",
            "array struct not null",
            "map struct nullable",
            "map struct not null",
        ] {
            assert!(
                places.iter().any(|found| found == place),
                "{name} is nowhere as {place}: {places:?}"
            );
        }
    }
}

fn visit(fields: &StructType, within: &str, name: &str, places: &mut Vec<String>) {
    for field in &fields.fields {
        let null = if field.nullable {
            "nullable"
        } else {
            "not null"
        };
        let at = |place: &str| format!("{within} {place}").trim().to_owned();
        match &field.data_type {
            DataType::Struct(fields) => visit(fields, &at("struct"), name, places),
            DataType::Array(array) => match &array.element {
                DataType::Struct(fields) => visit(fields, &at("array struct"), name, places),
                element if word(element) == name => places.push(at("array")),
                _ => {}
            },
            DataType::Map(map) => match &map.value {
                DataType::Struct(fields) => visit(fields, &at("map struct"), name, places),
                value if word(value) == name => places.push(at("map")),
                _ => {}
            },
            scalar if word(scalar) == name => places.push(at(null)),
            _ => {}
        }
    }
}
