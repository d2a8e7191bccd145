//! Catalogs, schemas and tables as Unity Catalog's API has them, for catalog clients that someone else wrote.

use serde_json::{Value, json};
use tonic::Code;
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{TABLE, record};
use crate::client::{Client, single};
use crate::http::{Answer, catalog_bearer, request};

struct Api<'a> {
    local: &'a Local,
    bearer: String,
}

impl<'a> Api<'a> {
    async fn of(local: &'a Local) -> Self {
        let bearer = catalog_bearer(&local.server).await;
        Self { local, bearer }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/api/2.1/unity-catalog/{path}");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        request(&self.local.server, method, &path, &[&self.bearer], &body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &Value::Null).await
    }
}

fn names(answer: &Answer, of: &str) -> Vec<String> {
    let json = answer.json();
    let found = json[of]
        .as_array()
        .unwrap_or_else(|| panic!("{json}"))
        .iter();
    found
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn catalogs_and_schemas_are_created_listed_and_deleted() {
    let local = Local::start().await;
    let api = Api::of(&local).await;
    let lab = json!({"name": "lab", "comment": "trials", "properties": {"team": "air"}});
    let created = api.call("POST", "catalogs", &lab).await;
    assert_eq!(created.json(), lab);
    assert_eq!(api.call("POST", "catalogs", &lab).await.status, 409);
    let raw = json!({"name": "raw", "catalog_name": "lab"});
    let created = api.call("POST", "schemas", &raw).await.json();
    assert_eq!(created["full_name"], "lab.raw");
    assert_eq!(created["catalog_name"], "lab");

    // They outlive the server, empty as they are.
    let local = local.restart().await;
    let api = Api::of(&local).await;
    assert_eq!(
        names(&api.get("catalogs").await, "catalogs"),
        ["lab", "main"]
    );
    assert_eq!(api.get("catalogs/lab").await.json(), lab);
    assert_eq!(
        names(&api.get("schemas?catalog_name=lab").await, "schemas"),
        ["raw"]
    );
    assert_eq!(api.get("schemas/lab.raw").await.json(), created);

    let refused = api.delete("catalogs/lab").await;
    assert_eq!(
        (refused.status, refused.json()["message"].as_str()),
        (400, Some("Catalog 'lab' is not empty: it has raw"))
    );
    assert_eq!(api.delete("schemas/lab.raw").await.status, 200);
    assert_eq!(api.delete("catalogs/lab").await.status, 200);
    assert_eq!(api.get("catalogs/lab").await.status, 404);
    assert_eq!(names(&api.get("catalogs").await, "catalogs"), ["main"]);
}

#[tokio::test]
async fn a_deleted_table_is_gone_and_its_streams_end() {
    let local = Local::start().await;
    let api = Api::of(&local).await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    assert_eq!(api.delete(&format!("tables/{TABLE}")).await.status, 200);
    assert_eq!(
        api.delete(&format!("tables/{TABLE}")).await.json()["error_code"],
        "TABLE_DOES_NOT_EXIST"
    );
    client.send(single(1, &record(1))).await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::NotFound, "{status}");
    assert!(!local.server.table_dir(&TABLE.parse().unwrap()).exists());
    // The same name can be another table.
    let ddl = crate::air_quality::DDL;
    assert_eq!(
        request(&local.server, "POST", "/api/local/ddl", &[], ddl)
            .await
            .status,
        200
    );
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(2))).await;
    assert_eq!(client.acked().await, 0);
    assert_eq!(local.temps(), [2]);
    // With force, all that is in a catalog.
    assert_eq!(api.delete("catalogs/main?force=true").await.status, 200);
    assert_eq!(api.get(&format!("tables/{TABLE}")).await.status, 404);
    assert!(names(&api.get("catalogs").await, "catalogs").is_empty());
}

#[tokio::test]
async fn lists_come_in_pages() {
    let ddl: String = (0..5)
        .map(|i| format!("CREATE TABLE main.default.t{i} (a INT);"))
        .collect();
    let local = Local::with(&ddl).await;
    let api = Api::of(&local).await;
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!(
            "tables?catalog_name=main&schema_name=default&max_results=2&page_token={token}"
        );
        let page = api.get(&path).await;
        let on_page = names(&page, "tables");
        assert!(on_page.len() <= 2);
        found.extend(on_page);
        match page.json()["next_page_token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, ["t0", "t1", "t2", "t3", "t4"]);
    assert_eq!(
        names(&api.get("tables?max_results=0").await, "tables").len(),
        5
    );
    assert!(names(&api.get("tables?catalog_name=other").await, "tables").is_empty());
}

#[tokio::test]
async fn names_lead_nowhere_else_and_strangers_get_nothing() {
    let local = Local::start().await;
    let api = Api::of(&local).await;
    for (method, path, status) in [
        ("GET", "catalogs/..", 400),
        ("DELETE", "catalogs/%2e%2e?force=true", 400),
        ("DELETE", "schemas/main.%2e%2e?force=true", 400),
        ("DELETE", "catalogs/a%2Fb?force=true", 400),
        ("GET", "catalogs/none", 404),
        ("GET", "schemas/main.none", 404),
        ("GET", "schemas/main", 400),
        ("GET", "schemas?catalog_name=none", 404),
        ("GET", "schemas", 400),
        ("PATCH", "catalogs/main", 404),
    ] {
        let answer = api.call(method, path, &Value::Null).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
    }
    for body in [json!({"name": "../x"}), json!({"name": ""}), json!({})] {
        assert_eq!(api.call("POST", "catalogs", &body).await.status, 400);
    }
    let orphan = json!({"name": "raw", "catalog_name": "none"});
    assert_eq!(api.call("POST", "schemas", &orphan).await.status, 404);
    for method in ["GET", "DELETE"] {
        let path = "/api/2.1/unity-catalog/catalogs/main";
        assert_eq!(
            request(&local.server, method, path, &[], "").await.status,
            401
        );
    }
    assert!(local.server.table_dir(&TABLE.parse().unwrap()).is_dir());
}
