//! A server in another process.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zerobus_client::{CatalogError, Fingerprint, TableName, Workspace, ZerobusRecord as _};

use crate::record::LineItem;
use crate::{CLIENT_ID, CLIENT_SECRET, Error, LINEITEM_SQL};

/// Sees to it that the table is there, with the columns that this program was compiled for.
pub(crate) async fn create_table(url: &str) -> Result<(), Error> {
    let name = TableName::parse(LineItem::TABLE)?;
    let workspace = Workspace::builder()
        .workspace_url(url)
        .oauth(CLIENT_ID, CLIENT_SECRET)
        .build()?;
    let table = match workspace.table(&name).await {
        Err(CatalogError::TableNotFound { .. }) => {
            run_ddl(url, LINEITEM_SQL).await?;
            workspace.table(&name).await?
        }
        other => other?,
    };
    if Fingerprint::of(&table) != LineItem::FINGERPRINT {
        return Err(
            format!("{name} is there with other columns than those of lineitem.sql").into(),
        );
    }
    Ok(())
}

/// Has a local server create tables. In a workspace, this is for a notebook or the SQL editor to do.
async fn run_ddl(url: &str, sql: &str) -> Result<(), Error> {
    let address = url
        .strip_prefix("http://")
        .ok_or("the table does not exist; create it with lineitem.sql")?;
    let address = address.trim_end_matches('/');
    let mut connection = TcpStream::connect(address).await?;
    let length = sql.len();
    let request = format!(
        "POST /api/local/ddl HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{sql}"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    if !answer.starts_with("HTTP/1.1 200 ") {
        return Err(format!("{url} did not create the table: {answer}").into());
    }
    Ok(())
}
