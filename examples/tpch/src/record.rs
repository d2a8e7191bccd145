use tpchgen::generators::LineItem as Generated;
use zerobus_client::{DateDays, Decimal, ZerobusRecord};

/// A row of `main.tpch.lineitem`. It borrows its texts from the generator; nothing is allocated for a record.
#[derive(Debug, ZerobusRecord)]
#[zerobus(table = "main.tpch.lineitem")]
pub(crate) struct LineItem<'a> {
    l_orderkey: i64,
    l_partkey: i64,
    l_suppkey: i64,
    l_linenumber: i32,
    l_quantity: Decimal,
    l_extendedprice: Decimal,
    l_discount: Decimal,
    l_tax: Decimal,
    l_returnflag: &'a str,
    l_linestatus: &'a str,
    l_shipdate: DateDays,
    l_commitdate: DateDays,
    l_receiptdate: DateDays,
    l_shipinstruct: &'a str,
    l_shipmode: &'a str,
    l_comment: &'a str,
}

impl<'a> From<&Generated<'a>> for LineItem<'a> {
    fn from(row: &Generated<'a>) -> Self {
        // The generator's decimals are integers of hundredths already, but for the quantity, which counts pieces.
        let hundredths = |value: i64| Decimal::scaled::<2>(value.into());
        Self {
            l_orderkey: row.l_orderkey,
            l_partkey: row.l_partkey,
            l_suppkey: row.l_suppkey,
            l_linenumber: row.l_linenumber,
            l_quantity: hundredths(row.l_quantity * 100),
            l_extendedprice: hundredths(row.l_extendedprice.0),
            l_discount: hundredths(row.l_discount.0),
            l_tax: hundredths(row.l_tax.0),
            l_returnflag: row.l_returnflag,
            l_linestatus: row.l_linestatus,
            l_shipdate: DateDays::from_days(row.l_shipdate.to_unix_epoch()),
            l_commitdate: DateDays::from_days(row.l_commitdate.to_unix_epoch()),
            l_receiptdate: DateDays::from_days(row.l_receiptdate.to_unix_epoch()),
            l_shipinstruct: row.l_shipinstruct,
            l_shipmode: row.l_shipmode,
            l_comment: row.l_comment,
        }
    }
}
