//! What only a value can break.

use std::collections::BTreeMap;

use zerobus_record::{
    Decimal, DecimalText, RecordError, TimestampMicros, VariantJson, ZerobusRecord,
};

use crate::shapes::{Shapes, smallest};

fn refused(shapes: &Shapes) -> String {
    let error = shapes.encode(&mut Vec::new()).unwrap_err();
    assert_eq!(shapes.validate(), Err(error.clone()));
    error.to_string()
}

#[test]
fn a_value_that_does_not_fit_names_its_column() {
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        refused(&Shapes {
            code: text("abcd"),
            ..smallest()
        }),
        "column code of main.default.shapes: expected at most 3 characters, found 4, \"abcd\""
    );
    assert_eq!(
        refused(&Shapes {
            word: text("größer"),
            ..smallest()
        }),
        "column word of main.default.shapes: expected at most 5 characters, found 6, \"größer\""
    );
    assert_eq!(
        refused(&Shapes {
            price: Decimal::new(12_345_678_901_234_567, 0),
            ..smallest()
        }),
        "column price of main.default.shapes: expected a decimal with at most 16 digits before the point and 4 behind it, for \
         DECIMAL(20,4), found \"12345678901234567\""
    );
    assert_eq!(
        refused(&Shapes {
            payload: Some(VariantJson::new("{".to_owned())),
            ..smallest()
        }),
        "column payload of main.default.shapes: expected JSON, found \"{\" (EOF while parsing an object at line 1 column 1)"
    );
}

#[test]
fn characters_are_counted_and_not_bytes() {
    let fits = Shapes {
        code: Some("größe".chars().take(3).collect()),
        ..smallest()
    };
    assert_eq!(fits.validate(), Ok(()));
}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality<'a> {
    device_name: &'a str,
    #[zerobus(unit = "seconds")]
    observed_at: i64,
    price: Option<DecimalText<&'a str>>,
}

#[test]
fn a_time_that_overflows_is_refused() {
    let record = |observed_at| AirQuality {
        device_name: "",
        observed_at,
        price: None,
    };
    assert_eq!(record(i64::MAX / 1_000_000).validate(), Ok(()));
    let error = record(i64::MAX).validate().unwrap_err();
    assert_eq!(error.path().to_string(), "observed_at");
    assert_eq!(error.expected(), "seconds that the column can hold");
    assert_eq!(error.found(), "9223372036854775807");
}

#[test]
fn an_integer_with_a_unit_may_be_wider_than_the_column() {
    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.air_quality")]
    struct Wide {
        device_name: &'static str,
        #[zerobus(unit = "nanos")]
        observed_at: u128,
        #[zerobus(unit = "days")]
        day: Option<u64>,
    }
    let record = |observed_at, day| Wide {
        device_name: "",
        observed_at,
        day: Some(day),
    };
    let mut written = Vec::new();
    record(1_700_000_000_000_000_999, 19_675)
        .encode(&mut written)
        .unwrap();
    let mut expected = Vec::new();
    AirQuality {
        device_name: "",
        observed_at: 1_700_000_000,
        price: None,
    }
    .encode(&mut expected)
    .unwrap();
    assert_eq!(written[..expected.len()], expected);
    let refused = |observed_at, day| record(observed_at, day).validate().unwrap_err().path();
    assert_eq!(refused(u128::MAX, 0).to_string(), "observed_at");
    assert_eq!(refused(0, u64::MAX).to_string(), "day");
}

#[test]
fn the_path_leads_through_structs_arrays_and_maps() {
    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.orders")]
    struct Order<'a> {
        items: Vec<Item<'a>>,
        by_name: BTreeMap<&'a str, Item<'a>>,
        by_code: BTreeMap<&'a str, i32>,
    }

    #[derive(Default, ZerobusRecord)]
    struct Item<'a> {
        price: Price<'a>,
    }

    #[derive(Default, ZerobusRecord)]
    struct Price<'a> {
        amount: Option<&'a str>,
        currency: Option<&'a str>,
    }

    let error = |order: &Order<'_>| -> RecordError { order.validate().unwrap_err() };
    let bad = |currency| Item {
        price: Price {
            amount: Some("1.5"),
            currency: Some(currency),
        },
    };
    let mut order = Order {
        items: vec![Item::default(), bad("Franken")],
        by_name: BTreeMap::new(),
        by_code: BTreeMap::new(),
    };
    assert_eq!(
        error(&order).to_string(),
        "column items.element.price.currency of main.default.orders, element 1: expected at most 3 characters, \
         found 7, \"Franken\""
    );
    order.items.clear();
    order.by_name.insert("shoe", bad("Franken"));
    assert_eq!(
        error(&order).to_string(),
        "column by_name.value.price.currency of main.default.orders, key \"shoe\": expected at most 3 characters, \
         found 7, \"Franken\""
    );
    order.by_name.clear();
    order.by_code.insert("four", 4);
    assert_eq!(
        error(&order).to_string(),
        "column by_code.key of main.default.orders: expected at most 3 characters, found 4, \"four\""
    );
}

#[test]
fn a_record_through_a_reference_is_the_record() {
    let record = Shapes {
        at: TimestampMicros::from_micros(1),
        ..smallest()
    };
    let (mut direct, mut referred) = (Vec::new(), Vec::new());
    record.encode(&mut direct).unwrap();
    (&&record).encode(&mut referred).unwrap();
    assert_eq!(direct, referred);
}
