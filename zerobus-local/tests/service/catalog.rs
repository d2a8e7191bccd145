//! The catalog API, and how tables come to be.

use serde_json::{Value, json};
use tempfile::TempDir;
use zerobus_local::{LocalError, LocalZerobus};
use zerobus_schema::{Fingerprint, catalog, ddl};

use crate::Local;
use crate::air_quality::{DDL, TABLE};
use crate::http::{catalog_bearer, ingest_token, request};

const TABLES: &str = "/api/2.1/unity-catalog/tables";

#[tokio::test]
async fn a_table_reads_as_it_was_declared() {
    let local = Local::start().await;
    let bearer = catalog_bearer(&local.server).await;
    let path = format!("{TABLES}/{TABLE}");
    let answer = request(&local.server, "GET", &path, &[&bearer], "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["full_name"], TABLE);
    assert_eq!(json["table_type"], "MANAGED");
    assert_eq!(json["data_source_format"], "DELTA");
    let read = catalog::parse_table(&answer.body).unwrap();
    let declared = ddl::parse_create_table(DDL).unwrap();
    assert_eq!(Fingerprint::of(&read), Fingerprint::of(&declared));
}

#[tokio::test]
async fn the_catalog_wants_a_token_of_its_own() {
    let local = Local::start().await;
    let path = format!("{TABLES}/{TABLE}");
    let ingest = format!(
        "authorization: Bearer {}",
        ingest_token(&local.server, TABLE).await
    );
    for (header, status, code) in [
        ("accept: */*", 401, "UNAUTHENTICATED"),
        ("authorization: Bearer made-up", 401, "UNAUTHENTICATED"),
        (ingest.as_str(), 403, "PERMISSION_DENIED"),
        // What looks like a personal access token passes where no client was named.
        ("authorization: Bearer dapi0123", 200, ""),
    ] {
        let answer = request(&local.server, "GET", &path, &[header], "").await;
        assert_eq!(answer.status, status, "{header}");
        if status != 200 {
            assert_eq!(answer.json()["error_code"], code);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let local = Local::start().await;
    let bearer = catalog_bearer(&local.server).await;
    for (path, status, code) in [
        (
            "/api/2.1/unity-catalog/tables/main.default.missing",
            404,
            "TABLE_DOES_NOT_EXIST",
        ),
        (
            "/api/2.1/unity-catalog/tables/air_quality",
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        ("/api/2.1/unity-catalog/volumes", 404, "ENDPOINT_NOT_FOUND"),
    ] {
        let answer = request(&local.server, "GET", path, &[&bearer], "").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.json()["error_code"], code, "{path}");
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn health_needs_no_token() {
    let local = Local::start().await;
    for path in ["/health", "/ready"] {
        assert_eq!(
            request(&local.server, "GET", path, &[], "").await.status,
            200
        );
    }
}

#[tokio::test]
async fn tables_are_created_from_catalog_json() {
    let local = Local::start().await;
    let bearer = catalog_bearer(&local.server).await;
    let mut info = json!({
        "name": "events", "catalog_name": "main", "schema_name": "default",
        "table_type": "MANAGED", "data_source_format": "DELTA",
        "columns": [
            {"name": "id", "type_text": "bigint", "type_name": "LONG", "position": 0, "nullable": false,
             "type_json": "{\"name\":\"id\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}}"},
        ],
    });
    let create = async |info: &Value| {
        request(&local.server, "POST", TABLES, &[&bearer], &info.to_string()).await
    };
    let answer = create(&info).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["full_name"], "main.default.events");
    let answer = create(&info).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    info["data_source_format"] = "PARQUET".into();
    assert_eq!(create(&info).await.status, 400);

    let query = format!("{TABLES}?catalog_name=main&schema_name=default");
    let answer = request(&local.server, "GET", &query, &[&bearer], "").await;
    let listed: Vec<Value> = answer.json()["tables"].as_array().unwrap().clone();
    let names: Vec<&str> = listed.iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["air_quality", "events"]);
}

#[tokio::test]
async fn ddl_with_a_mistake_is_refused_with_its_place() {
    let local = Local::start().await;
    let ddl = "CREATE TABLE main.default.t (\n  a INT,\n  b NONSENSE\n);";
    let answer = request(&local.server, "POST", "/api/local/ddl", &[], ddl).await;
    assert_eq!(answer.status, 400);
    let json = answer.json();
    assert!(
        json["message"].as_str().unwrap().starts_with("3:5: "),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_seed_may_name_what_is_there_and_must_not_change_it() {
    let Local { data, server } = Local::start().await;
    server.shutdown().await;
    let builder = LocalZerobus::builder().data(data.path());
    let again = builder.clone().seed_sql(DDL).start().await.unwrap();
    again.shutdown().await;
    let other = DDL.replace("temp INT", "temp BIGINT");
    match builder.seed_sql(other).start().await {
        Err(error @ LocalError::SeedTable { .. }) => {
            let text = error.to_string();
            assert!(
                text.contains("`temp INT`") && text.contains("`temp BIGINT`"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_seed_with_a_mistake_leaves_nothing_behind() {
    let data = TempDir::new().unwrap();
    let folder = data.path().join("new");
    let seed = data.path().join("seed.sql");
    std::fs::write(
        &seed,
        "CREATE TABLE main.default.a (x INT);\nCREATE TABLE b (x INT);",
    )
    .unwrap();
    let builder = LocalZerobus::builder().data(&folder).seed_file(&seed);
    let error = builder.start().await.unwrap_err();
    let text = format!("{}: `b` is not a table name", seed.display());
    assert!(error.to_string().starts_with(&text), "{error}");
    assert!(!folder.exists());
    std::fs::write(
        &seed,
        "CREATE TABLE main.default.a (x INT);\nCREATE TABLE main.default.b (x INTT);",
    )
    .unwrap();
    let error = LocalZerobus::builder()
        .data(&folder)
        .seed_file(&seed)
        .start()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("{}:2:", seed.display())),
        "{error}"
    );
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_name_of_two_parts_is_no_table() {
    let data = TempDir::new().unwrap();
    let builder = LocalZerobus::builder().data(data.path());
    let error = builder
        .seed_sql("CREATE TABLE default.t (x INT)")
        .start()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("catalog.schema.table"),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_is_for_one_server() {
    let local = Local::start().await;
    let error = LocalZerobus::builder()
        .data(local.data.path())
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, LocalError::Locked { .. }), "{error}");
    let Local { data, server } = local;
    server.shutdown().await;
    LocalZerobus::builder()
        .data(data.path())
        .start()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_port_is_for_one_server() {
    let local = Local::start().await;
    let data = TempDir::new().unwrap();
    let builder = LocalZerobus::builder().data(data.path());
    let error = builder
        .listen(local.server.address())
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, LocalError::Listen { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&local.server.address().to_string())
    );
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_is_refused() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = LocalZerobus::builder()
        .data(file.join("data"))
        .start()
        .await
        .unwrap_err();
    assert!(matches!(error, LocalError::DataFolder { .. }), "{error}");
}
