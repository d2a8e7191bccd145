//! Against a catalog of a few lines.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use zerobus_catalog::Workspace;
use zerobus_codegen::Config;
use zerobus_tests::child;

use crate::{run, zerobus};

const COLUMN: &str = r#"{"name":"id","type_text":"bigint","type_name":"LONG","position":0,"nullable":false,"type_json":"{\"name\":\"id\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}}"}"#;

/// The catalog below, and how a command gets to it.
pub(crate) struct Catalog {
    url: String,
}

impl Catalog {
    pub(crate) fn start() -> Self {
        Self { url: catalog() }
    }

    /// One that has another table too.
    pub(crate) fn with(name: &str, answer: String) -> Self {
        let url = serve(Some((name.to_owned(), answer)));
        Self { url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn access<'a>(&self, command: &'a mut Command, secret: &str) -> &'a mut Command {
        command
            .env("DATABRICKS_HOST", &self.url)
            .env("DATABRICKS_CLIENT_ID", "me")
            .env("DATABRICKS_CLIENT_SECRET", secret)
    }
}

/// Serves one table, `main.default.t`, to whoever has the secret; the thread ends with the process.
fn catalog() -> String {
    serve(None)
}

/// A table besides, by its name: what the catalog answers about it.
type Besides = Option<(String, String)>;

fn serve(besides: Besides) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let besides = besides.clone();
            thread::spawn(move || answer(stream.unwrap(), &besides));
        }
    });
    url
}

fn answer(stream: TcpStream, besides: &Besides) {
    let mut reader = BufReader::new(&stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, body) = reply(&head, &String::from_utf8_lossy(&body), besides);
    let _ = write!(
        &stream,
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn reply(head: &str, body: &str, besides: &Besides) -> (u16, String) {
    let line = head.lines().next().unwrap();
    // base64 of `me:hush`
    if body.contains("main.default.ungranted") {
        let error = r#"{"error":"invalid_authorization_details"}"#;
        return (401, error.to_owned());
    }
    if line.starts_with("POST /oidc/v1/token ") && head.contains("Basic bWU6aHVzaA==") {
        return (200, r#"{"access_token":"t","expires_in":60}"#.to_owned());
    }
    if line.starts_with("POST ") {
        return (401, r#"{"error":"invalid_client"}"#.to_owned());
    }
    if line.contains("/api/2.1/unity-catalog/tables/main.default.t ") && head.contains("Bearer t") {
        let table = format!(
            r#"{{"name":"t","catalog_name":"main","schema_name":"default","columns":[{COLUMN}]}}"#
        );
        return (200, table);
    }
    if let Some((name, answer)) = besides
        && line.contains(&format!("/tables/{name} "))
    {
        return (200, answer.clone());
    }
    for (name, kind) in [("view", "VIEW"), ("ungranted", "MANAGED")] {
        if line.contains(&format!("/tables/main.default.{name} ")) {
            let table = format!(
                r#"{{"name":"{name}","catalog_name":"main","schema_name":"default","table_type":"{kind}","columns":[{COLUMN}]}}"#
            );
            return (200, table);
        }
    }
    let error = r#"{"error_code":"TABLE_DOES_NOT_EXIST","message":"no such table"}"#;
    (404, error.to_owned())
}

#[test]
fn a_table_is_pulled_and_what_fails_leaves_nothing_behind() {
    let url = catalog();
    let folder = tempfile::tempdir().unwrap();
    let pull = |secret: &str| {
        let mut command = zerobus(&[
            "pull",
            "main.default.none",
            "main.default.t",
            "--schemas",
            "s",
        ]);
        command
            .current_dir(folder.path())
            .env("DATABRICKS_HOST", &url)
            .env("DATABRICKS_CLIENT_ID", "me")
            .env("DATABRICKS_CLIENT_SECRET", secret);
        run(&mut command)
    };
    let (status, stdout, stderr) = pull("wrong-secret");
    assert_eq!((status, stdout.as_str()), (3, ""));
    assert!(
        stderr.contains("refused the client id and secret"),
        "{stderr}"
    );
    assert!(!stderr.contains("wrong-secret"), "{stderr}");
    assert!(!folder.path().join("s").exists());

    // One table that is not there keeps the other from nothing.
    let (status, stdout, stderr) = pull("hush");
    let file = Path::new("s").join("main.default.t.json");
    assert_eq!(
        (status, stdout),
        (3, format!("created {}\n", file.display()))
    );
    assert!(
        stderr.contains("the catalog knows no table main.default.none"),
        "{stderr}"
    );
    let snapshot = fs::read_to_string(folder.path().join(file)).unwrap();
    assert!(zerobus_schema::Snapshot::parse(&snapshot).is_ok());
}

#[test]
fn the_official_generators_flags_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.proto");
    let (status, stdout, stderr) =
        run(zerobus(&["generate", "proto", "--uc-endpoint", &catalog()])
            .args(["--client-id", "me", "--client-secret", "hush"])
            .args(["--table", "main.default.t", "--proto-msg", "Row"])
            .arg("--output")
            .arg(&file));
    assert_eq!((status, stdout.as_str()), (0, ""), "{stderr}");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "syntax = \"proto2\";\n\nmessage Row {\n  required int64 id = 1;\n}\n"
    );
}

#[test]
fn a_profile_names_workspace_and_credentials() {
    let home = tempfile::tempdir().unwrap();
    let profiles = format!(
        "[local]\nhost = {}\nclient_id = me\nclient_secret = hush\n",
        catalog()
    );
    fs::write(home.path().join(".databrickscfg"), profiles).unwrap();
    let show = |profile: &str| {
        let mut command = zerobus(&["show", "main.default.t", "--profile", profile]);
        run(command.env("HOME", home.path()))
    };
    let (status, stdout, stderr) = show("local");
    assert_eq!(status, 0, "{stderr}");
    assert!(
        stdout.starts_with("main.default.t (Unity Catalog, 1 column)\n"),
        "{stdout}"
    );
    let (status, _, stderr) = show("prod");
    assert_eq!(status, 3);
    assert!(
        stderr.contains("has no profile prod; it has local"),
        "{stderr}"
    );
}

#[test]
fn a_live_build_script_writes_the_snapshot_and_generates_from_it() {
    let workspace = |secret: &str| {
        let builder = Workspace::builder().workspace_url(catalog());
        builder.oauth("me", secret).build().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let schemas = folder.path().join("schemas");
    let builder = || Config::new().schemas(&schemas).out_dir(folder.path());
    let code = || fs::read_to_string(folder.path().join("zerobus.rs")).unwrap();

    let live = builder().live(true).table("main.default.t");
    let error = live
        .clone()
        .workspace(workspace("wrong"))
        .compile()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("refused the client id and secret"),
        "{error}"
    );
    assert!(!schemas.exists());

    live.workspace(workspace("hush")).compile().unwrap();
    assert!(schemas.join("main.default.t.json").is_file());
    let fetched = code();
    assert!(fetched.contains("pub id: i64,"), "{fetched}");

    builder().compile().unwrap();
    assert_eq!(
        code(),
        fetched,
        "offline, the same snapshot gives the same bytes"
    );

    // A table that has a snapshot is fetched again without being named; one that is gone fails the build.
    let gone = schemas.join("main.default.gone.json");
    fs::copy(schemas.join("main.default.t.json"), gone).unwrap();
    let error = builder()
        .live(true)
        .workspace(workspace("hush"))
        .compile()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("knows no table main.default.gone"),
        "{error}"
    );
}

#[test]
fn a_catalog_that_is_away_leaves_the_build_with_its_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let schemas = folder.path().join("schemas");
    let code = || fs::read_to_string(folder.path().join("zerobus.rs")).unwrap();
    let config = |url: &str, table: &str| {
        let workspace = Workspace::builder().workspace_url(url).token("t");
        let limit = std::time::Duration::from_millis(300);
        Config::new()
            .schemas(&schemas)
            .out_dir(folder.path())
            .table(table)
            .live(true)
            .workspace(workspace.time_limit(limit).build().unwrap())
            .deadline(limit)
    };
    config(&catalog(), "main.default.t").compile().unwrap();
    let fetched = code();

    // Nobody listens; and somebody listens who never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    for url in ["http://127.0.0.1:9", &silent] {
        config(url, "main.default.t").compile().unwrap();
        assert_eq!(code(), fetched);
        let error = config(url, "main.default.view").compile().unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("main.default.view has no snapshot yet"),
            "{said}"
        );
    }
}

/// What a build script does, in a process whose environment is the test's to set.
fn build_script() {
    let folder = std::path::PathBuf::from(std::env::var_os("BUILD_SCRIPT_FOLDER").unwrap());
    let workspace = Workspace::builder()
        .workspace_url(std::env::var("BUILD_SCRIPT_WORKSPACE").unwrap())
        .oauth("me", "wrong");
    Config::new()
        .schemas(folder.join("schemas"))
        .out_dir(&folder)
        .table("main.default.t")
        .live(std::env::var_os("BUILD_SCRIPT_LIVE").is_some())
        .workspace(workspace.build().unwrap())
        .compile()
        .unwrap();
}

#[test]
fn a_build_script_asks_nobody_unless_told_and_never_where_documentation_is_built() {
    const NAME: &str =
        "live::a_build_script_asks_nobody_unless_told_and_never_where_documentation_is_built";
    if child::is_child() {
        return build_script();
    }
    let folder = tempfile::tempdir().unwrap();
    let table = zerobus_schema::ddl::parse_create_table("CREATE TABLE main.default.t (id BIGINT)");
    let schemas = folder.path().join("schemas");
    zerobus_codegen::save_snapshot(&schemas, table.unwrap()).unwrap();
    let url = catalog();
    let build = |variables: &[(&str, &str)]| {
        let mut command = child::command(NAME).unwrap();
        command
            .env("BUILD_SCRIPT_FOLDER", folder.path())
            .env("BUILD_SCRIPT_WORKSPACE", &url)
            .env_remove("DOCS_RS")
            .env_remove("ZEROBUS_LIVE")
            .envs(variables.iter().copied());
        child::run(command)
    };
    // Whoever fetches is refused: the credentials are wrong.
    let output = build(&[]).unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    // On a machine with one core the first of them stands behind the test's name.
    let said: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.get(line.find("cargo::")?..))
        .collect();
    let file = schemas.join("main.default.t.json");
    assert_eq!(
        said,
        [
            "cargo::rerun-if-env-changed=ZEROBUS_LIVE",
            "cargo::rerun-if-env-changed=DOCS_RS",
            &format!("cargo::rerun-if-changed={}", file.display()),
        ]
    );
    for live in [("BUILD_SCRIPT_LIVE", "1"), ("ZEROBUS_LIVE", "1")] {
        let error = build(&[live]).unwrap_err();
        assert!(
            error.contains("refused the client id and secret"),
            "{error}"
        );
        build(&[live, ("DOCS_RS", "1")]).unwrap();
    }
    build(&[("ZEROBUS_LIVE", "0")]).unwrap();
}
