//! The help of every command, and what shells make of it.

use expect_test::expect_file;

use crate::{golden, run, zerobus};

#[test]
fn every_help_is_the_checked_in_one_and_has_examples() {
    let (_, top, _) = run(&mut zerobus(&["--help"]));
    expect_file![golden("help/zerobus.txt")].assert_eq(&top);
    let commands = top
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help");
    let mut count = 0;
    for command in commands {
        let mut kinds = vec![vec![command]];
        if command == "generate" {
            kinds.extend(["proto", "rust", "descriptor", "ddl"].map(|kind| vec![command, kind]));
        }
        for words in kinds {
            let args: Vec<&str> = words.iter().copied().chain(["--help"]).collect();
            let (status, help, stderr) = run(&mut zerobus(&args));
            assert_eq!((status, stderr.as_str()), (0, ""), "{words:?}");
            assert!(
                help.contains("Examples:\n  ") && help.contains("Exit status: 0"),
                "{help}"
            );
            expect_file![golden(&format!("help/{}.txt", words.join("-")))].assert_eq(&help);
            count += 1;
        }
    }
    assert!(count > 10, "{top}");
}

#[test]
fn shells_get_completions() {
    for (shell, part) in [
        ("bash", "complete -F _zerobus"),
        ("zsh", "#compdef zerobus"),
        ("fish", "complete -c zerobus"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let (status, stdout, _) = run(&mut zerobus(&["completions", shell]));
        assert_eq!(status, 0);
        assert!(
            stdout.contains(part) && stdout.contains("fail-on"),
            "{shell}"
        );
    }
    assert_eq!(run(&mut zerobus(&["completions", "tcsh"])).0, 2);
}
