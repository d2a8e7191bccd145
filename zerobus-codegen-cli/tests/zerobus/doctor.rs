//! `zerobus doctor` and `zerobus init`.

use std::fs;

use expect_test::expect;
use serde_json::Value;

use crate::live::Catalog;
use crate::{run, zerobus};

#[test]
fn every_value_is_shown_with_its_source_and_tried() {
    let catalog = Catalog::start();
    let mut command = zerobus(&["doctor", "main.default.t"]);
    let (status, stdout, stderr) = run(catalog.access(&mut command, "hush"));
    assert_eq!(stderr, "");
    let port = catalog.url().rsplit(':').next().unwrap().to_owned();
    expect![[r#"
        workspace      http://127.0.0.1:PORT  (environment DATABRICKS_HOST)
        endpoint       -  (not set)
        workspace id   -  (not set)
        client id      me  (environment DATABRICKS_CLIENT_ID)
        client secret  ******** (4 characters)  (environment DATABRICKS_CLIENT_SECRET)
        token          -  (not set)
        token file     -  (not set)
        token command  -  (not set)
        profile        -  (not set)
        profiles in    -  (not set)

        ok       workspace       http://127.0.0.1:PORT answers
        skipped  clock           the workspace does not tell the time
        ok       credentials     the catalog can be asked
        skipped  endpoint        no Zerobus endpoint is given, so it was not looked at
                                 set ZEROBUS_SERVER_ENDPOINT=https://<workspace id>.zerobus.<region>.<cloud's domain>
        ok       main.default.t  it is a managed Delta table
        ok       main.default.t  all of its 1 columns can be sent
        ok       main.default.t  this client may write to it
    "#]]
    .assert_eq(&stdout.replace(&port, "PORT"));
    assert_eq!(status, 0);
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let catalog = Catalog::start();
    let doctor = |tables: &[&str], secret: &str| {
        let mut command = zerobus(&["doctor", "--format", "json"]);
        let (status, stdout, _) = run(catalog.access(command.args(tables), secret));
        let answer: Value = serde_json::from_str(&stdout).unwrap();
        let checks = answer["checks"].as_array().unwrap();
        let wrong = checks.iter().filter(|check| check["status"] != "ok");
        let text =
            |check: &Value| format!("{} {} {}", check["name"], check["message"], check["fix"]);
        assert_eq!(answer["ok"], status == 0);
        (status, wrong.map(text).collect::<Vec<_>>().join("\n"))
    };
    let (status, wrong) = doctor(&["main.default.none"], "hush");
    assert_eq!(status, 1);
    assert!(
        wrong.contains("the catalog knows no table main.default.none"),
        "{wrong}"
    );

    let (status, wrong) = doctor(&["main.default.view"], "hush");
    assert_eq!(status, 1);
    assert!(
        wrong.contains("it is VIEW, DELTA; Zerobus writes to managed Delta tables alone"),
        "{wrong}"
    );

    let (status, wrong) = doctor(&["main.default.ungranted"], "hush");
    assert_eq!(status, 1);
    assert!(
        wrong.contains("GRANT SELECT, MODIFY ON TABLE `main`.`default`.`ungranted` TO `me`;"),
        "{wrong}"
    );

    let (status, wrong) = doctor(&["main.default.t"], "wrong");
    assert_eq!(status, 1);
    assert!(
        wrong.contains("refused the client id and secret") && !wrong.contains("wrong-secret"),
        "{wrong}"
    );

    let (status, stdout, _) = run(zerobus(&["doctor"]).env("DATABRICKS_HOST", "https://h/?o=12"));
    assert_eq!(status, 1);
    assert!(
        stdout.contains("https://h/?o=12 is a browser's address"),
        "{stdout}"
    );
    assert!(stdout.contains("no credentials given"), "{stdout}");

    // Nobody is there: that is not known to be wrong, nor right.
    let mut nobody = zerobus(&["doctor", "main.default.t", "--time-limit", "1", "--no-auth"]);
    let (status, stdout, _) = run(nobody.env("DATABRICKS_HOST", "http://127.0.0.1:9"));
    assert_eq!(status, 3);
    assert!(stdout.contains("unknown  workspace"), "{stdout}");
    assert_eq!(run(&mut zerobus(&["doctor", "t"])).0, 2);
}

#[test]
fn a_configuration_to_start_from_is_one_that_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let init = |args: &[&str]| run(zerobus(&["init"]).args(args).current_dir(folder.path()));
    assert_eq!(init(&["t"]).0, 2);
    let (status, stdout, _) = init(&["main.default.t", "main.default.u"]);
    assert_eq!((status, stdout.as_str()), (0, "created zerobus.toml\n"));
    assert_eq!(init(&[]).0, 3);

    let check =
        || run(zerobus(&["check", "--locked", "--fail-on", "any"]).current_dir(folder.path()));
    let (status, stdout, _) = check();
    assert_eq!(status, 1);
    assert!(stdout.contains("main.default.u: 1 breaking"), "{stdout}");

    // Every line that is commented out can be used as it is.
    let file = folder.path().join("zerobus.toml");
    fs::remove_file(&file).unwrap();
    init(&[]);
    let text = fs::read_to_string(&file).unwrap();
    let used: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("[[") || rest.contains(" = ") => rest,
            _ => line,
        })
        .collect();
    fs::write(&file, used.join("\n")).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    let (status, stdout, stderr) = check();
    assert_eq!(status, 1, "{stderr}");
    assert!(
        stdout.contains("main.default.air_quality: 1 breaking"),
        "{stdout}"
    );
}
