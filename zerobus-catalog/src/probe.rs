//! What `zerobus doctor` asks a workspace.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use zerobus_schema::{TableName, TableSchema};

use crate::error::CatalogError;
use crate::workspace::{Workspace, read_table};

/// What the catalog says of a table besides its columns.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TableInfo {
    /// The columns, where they can be read.
    pub schema: Result<TableSchema, CatalogError>,
    /// `MANAGED`, `EXTERNAL`, `VIEW` …, as the catalog writes it.
    pub table_type: Option<String>,
    /// `DELTA` …, as the catalog writes it.
    pub data_source_format: Option<String>,
}

impl Workspace {
    /// Asks what kind of table it is.
    ///
    /// # Errors
    /// As [`Self::table`], but for columns that cannot be read.
    pub async fn table_info(&self, table: &TableName) -> Result<TableInfo, CatalogError> {
        let answer = self.fetch_table(table).await?;
        let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(TableInfo {
            schema: read_table(table.clone(), &answer.body),
            table_type: text("table_type"),
            data_source_format: text("data_source_format"),
        })
    }

    /// Gets a token for the catalog, where one is needed, and so shows whether the credentials are good.
    ///
    /// # Errors
    /// [`CatalogError`]; network errors and a failing service are tried again within the time limit first.
    pub async fn authenticate(&self) -> Result<(), CatalogError> {
        self.catalog_token().await.map(|_| ())
    }

    /// How many seconds the workspace's clock is ahead of this machine's; `None` where its answer has no date.
    ///
    /// # Errors
    /// [`CatalogError`] when there is no answer. Any status will do.
    pub async fn clock_skew(&self) -> Result<Option<i64>, CatalogError> {
        let url = self.address().join("/");
        let (answer, _) = self.get(&url, "asking for the time", None).await?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok());
        let there = answer.date.as_deref().and_then(http_date);
        Ok(there.zip(now).map(|(there, now)| there - now))
    }
}

/// Seconds since 1970 of a date in HTTP's preferred form, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: i64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let month = i64::try_from(month).ok()? + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words
        .next()?
        .split(':')
        .map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next()? != "GMT" || !(0..10_000).contains(&year) {
        return None;
    }
    // Days before the month, counted from March, so that the leap day comes last.
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_read() {
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(
            http_date("Thu, 29 Feb 2024 00:00:00 GMT"),
            Some(1_709_164_800)
        );
        for text in [
            "",
            "now",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Foo 1994 08:49:37 GMT",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
