//! The sums that tell whether a table holds what was sent: exact, in integers.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Date32Type, Decimal128Type};
use tpchgen::generators::LineItem;
use zerobus_client::Decimal;

use crate::Error;

/// The columns that query 6 looks at. Decimals are integers of hundredths, the date is in days since 1970-01-01.
#[derive(Debug, Clone, Copy)]
struct Item {
    quantity: i128,
    extendedprice: i128,
    discount: i128,
    shipdate: i32,
}

/// Sums over rows of LINEITEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) rows: u64,
    /// Hundredths.
    pub(crate) quantity: i128,
    /// Hundredths.
    pub(crate) extendedprice: i128,
    /// TPC-H query 6, `sum(l_extendedprice * l_discount)`: ten-thousandths.
    pub(crate) query_6: i128,
}

/// 1994, in days since 1970-01-01.
const YEAR_OF_QUERY_6: Range<i32> = 8766..9131;

impl Totals {
    pub(crate) fn add(&mut self, row: &LineItem<'_>) {
        self.add_item(Item {
            quantity: i128::from(row.l_quantity) * 100,
            extendedprice: row.l_extendedprice.0.into(),
            discount: row.l_discount.0.into(),
            shipdate: row.l_shipdate.to_unix_epoch(),
        });
    }

    fn add_item(&mut self, item: Item) {
        self.rows += 1;
        self.quantity += item.quantity;
        self.extendedprice += item.extendedprice;
        // Shipped in 1994, at 5 to 7 % discount, less than 24 pieces.
        if YEAR_OF_QUERY_6.contains(&item.shipdate)
            && (5..=7).contains(&item.discount)
            && item.quantity < 2_400
        {
            self.query_6 += item.extendedprice * item.discount;
        }
    }

    /// Reads the Delta table in this folder, all of it.
    pub(crate) fn of_table(folder: &Path) -> Result<Self, Error> {
        let mut totals = Self::default();
        for batch in read_delta::rows(folder)? {
            let batch = batch?;
            let quantity = column::<Decimal128Type>(&batch, "l_quantity")?;
            let extendedprice = column::<Decimal128Type>(&batch, "l_extendedprice")?;
            let discount = column::<Decimal128Type>(&batch, "l_discount")?;
            let shipdate = column::<Date32Type>(&batch, "l_shipdate")?;
            let columns = quantity
                .iter()
                .zip(extendedprice)
                .zip(discount)
                .zip(shipdate);
            for (((&quantity, &extendedprice), &discount), &shipdate) in columns {
                totals.add_item(Item {
                    quantity,
                    extendedprice,
                    discount,
                    shipdate,
                });
            }
        }
        Ok(totals)
    }

    /// What came on top of `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            rows: self.rows - before.rows,
            quantity: self.quantity - before.quantity,
            extendedprice: self.extendedprice - before.extendedprice,
            query_6: self.query_6 - before.query_6,
        }
    }
}

/// The values of a column without NULLs.
fn column<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a [T::Native], Error> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| format!("the table has no column {name}"))?;
    let values = column.as_primitive_opt::<T>().ok_or_else(|| {
        format!(
            "column {name} is {}, not {}",
            column.data_type(),
            T::DATA_TYPE
        )
    })?;
    match column.null_count() {
        0 => Ok(values.values()),
        nulls => Err(format!("column {name} is NOT NULL and has {nulls} NULLs").into()),
    }
}

/// The sums of what was sent beside those of what the table got.
pub(crate) struct SideBySide {
    pub(crate) sent: Totals,
    pub(crate) stored: Totals,
}

impl fmt::Display for SideBySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, stored } = self;
        let whole = |rows: u64| Decimal::scaled::<0>(rows.into());
        let hundredths = Decimal::scaled::<2>;
        let lines = [
            ("rows", whole(sent.rows), whole(stored.rows)),
            (
                "sum(l_quantity)",
                hundredths(sent.quantity),
                hundredths(stored.quantity),
            ),
            (
                "sum(l_extendedprice)",
                hundredths(sent.extendedprice),
                hundredths(stored.extendedprice),
            ),
            (
                "query 6",
                Decimal::scaled::<4>(sent.query_6),
                Decimal::scaled::<4>(stored.query_6),
            ),
        ];
        writeln!(f, "{:<20} {:>22} {:>22}", "", "generated", "read back")?;
        for (name, sent, stored) in lines {
            writeln!(f, "{name:<20} {sent:>22} {stored:>22}")?;
        }
        Ok(())
    }
}
