//! Tables of every type, created in a running server through its REST API; then pulled, generated and checked.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use unitycatalog_common::services::encryption::{EnvelopeEncryptor, LocalKeyProvider};
use unitycatalog_server::memory::InMemoryResourceStore;
use unitycatalog_server::policy::ConstantPolicy;
use unitycatalog_server::rest::{
    AnonymousAuthenticator, AuthenticationLayer, create_catalogs_router, create_credentials_router,
    create_external_locations_router, create_schemas_router, create_tables_router,
};
use unitycatalog_server::services::ServerHandler;
use unitycatalog_server::services::location_policy::LocalStoragePolicy;
use zerobus_codegen_cli::Exit;
use zerobus_schema::{TableRef, catalog, ddl};

const EVERY_TYPE: &str = include_str!("../../../../golden/every_type/table.sql");
const AIR_QUALITY: &str = include_str!("../../../../golden/air_quality/table.sql");

/// Starts the server; its address. It ends with the process.
fn server(storage: &Path) -> String {
    let storage = storage.to_owned();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let key = LocalKeyProvider::single("test", vec![0x42; 32]).unwrap();
            let store = InMemoryResourceStore::new(EnvelopeEncryptor::local(key));
            let handler =
                ServerHandler::try_new_tokio(Arc::new(ConstantPolicy::default()), Arc::new(store))
                    .unwrap()
                    .with_local_storage_policy(LocalStoragePolicy::new([&storage]).unwrap())
                    .with_managed_storage_root(Some(format!(
                        "file://{}/managed",
                        storage.display()
                    )));
            let routes = create_catalogs_router(handler.clone())
                .merge(create_credentials_router(handler.clone()))
                .merge(create_external_locations_router(handler.clone()))
                .merge(create_schemas_router(handler.clone()))
                .merge(create_tables_router(handler));
            let app = axum::Router::new()
                .nest("/api/2.1/unity-catalog", routes)
                .layer(AuthenticationLayer::new(AnonymousAuthenticator));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    receiver.recv().unwrap().to_string()
}

/// Creates something through the REST API.
fn create(address: &str, what: &str, body: &Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = body.to_string();
    write!(
        stream,
        "POST /api/2.1/unity-catalog/{what} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap_or("");
    assert!(status.starts_with('2'), "{what} {body}\n{answer}");
}

#[test]
fn tables_of_every_type_are_pulled_generated_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let address = server(folder.path());
    let root = format!("file://{}", folder.path().display());
    create(&address, "catalogs", &json!({ "name": "main" }));
    let role = json!({ "role_arn": "arn:aws:iam::1:role/r" });
    let credential = json!({ "name": "key", "purpose": "STORAGE", "aws_iam_role": role });
    create(&address, "credentials", &credential);
    let url = format!("{root}/tables");
    let location = json!({ "name": "here", "url": url, "credential_name": "key" });
    create(&address, "external-locations", &location);
    create(
        &address,
        "schemas",
        &json!({ "name": "default", "catalog_name": "main" }),
    );
    let mut names = Vec::new();
    for sql in [EVERY_TYPE, AIR_QUALITY] {
        let mut table = ddl::parse_create_tables(sql).unwrap().remove(0);
        let own = table.table.as_ref().unwrap().table().to_owned();
        let name = format!("main.default.{own}");
        table.table = Some(TableRef::parse(&name).unwrap());
        let mut answer = catalog::table_to_json(&table);
        for (key, value) in [
            ("catalog_name", json!("main")),
            ("schema_name", json!("default")),
            ("name", json!(own)),
            ("table_type", json!("EXTERNAL")),
            ("data_source_format", json!("DELTA")),
            ("storage_location", json!(format!("{root}/tables/{own}"))),
        ] {
            answer[key] = value;
        }
        create(&address, "tables", &answer);
        names.push((name, table));
    }

    let schemas = folder.path().join("schemas");
    let schemas = schemas.to_str().unwrap();
    let zerobus = |args: &[&str]| {
        let access = ["--no-auth", "--workspace-url"];
        let url = format!("http://{address}");
        let all = ["zerobus"].iter().chain(args).chain(&access).copied();
        zerobus_codegen_cli::run(all.chain([url.as_str()]).map(str::to_owned))
    };
    for (name, table) in &names {
        assert_eq!(
            zerobus(&["pull", name, "--schemas", schemas]),
            Exit::Fine,
            "{name}"
        );
        let file = format!("{schemas}/{name}.json");
        let snapshot = std::fs::read_to_string(&file).unwrap();
        let snapshot = zerobus_schema::Snapshot::parse(&snapshot).unwrap();
        // Whatever the server made of the columns, they are those that it was given.
        let found = zerobus_schema::diff::diff_with(
            &zerobus_schema::Snapshot::new(table.clone())
                .schema()
                .clone(),
            snapshot.schema(),
            &{
                let mut columns = zerobus_schema::diff::DiffOptions::default();
                columns.table = false;
                columns
            },
        );
        assert_eq!(found.findings, [], "{name}");
        for kind in ["proto", "rust", "descriptor", "ddl"] {
            let output = folder.path().join(format!("{name}.{kind}"));
            let output = output.to_str().unwrap();
            let mut args = vec!["generate", kind, name, "-o", output];
            if kind != "ddl" {
                args.push("--skip-unsupported");
            }
            assert_eq!(zerobus(&args), Exit::Fine, "{name} {kind}");
            args.push("--check");
            assert_eq!(zerobus(&args), Exit::Fine, "{name} {kind}");
        }
    }
    assert_eq!(
        zerobus(&["check", "--schemas", schemas, "--fail-on", "any"]),
        Exit::Fine
    );
    assert_eq!(
        zerobus(&["pull", "main.default.none", "--schemas", schemas]),
        Exit::Failed
    );
}
