//! The architecture's rules, as tests: what each file begins with, who may use whom, and how long a file may grow.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::path::PathBuf;

/// Above this a file should have been split.
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The source files below some folders, with their text.
fn sources(folders: &[&str], endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).filter(|p| p.exists()).collect();
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["node_modules", "dist", "target", "cases"].contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
                let shown = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((shown, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folders:?}");
    found
}

const ALL: [&str; 13] = [
    "cli/src",
    "cli/tests",
    "src",
    "protocol/src",
    "protocol/tests",
    "simulator/src",
    "simulator/tests",
    "tests",
    "client-js/src",
    "client-js/test",
    "console",
    "examples",
    "scripts",
];

#[test]
fn the_first_line_of_every_file_says_what_it_is_for() {
    for (path, text) in sources(&ALL, &["rs", "ts", "mjs", "js", "sh", "css"]) {
        let mut lines = text.lines().filter(|line| !line.starts_with("#!/"));
        let first = lines.next().unwrap_or_default();
        let comment = ["//", "/*", "#"].iter().any(|mark| first.starts_with(mark));
        assert!(comment && first.len() > 12, "{path} begins with: {first}");
    }
}

#[test]
fn no_file_grows_too_long() {
    for (path, text) in sources(&ALL, &["rs", "ts", "mjs", "js", "sh"]) {
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX || path.starts_with("tests/engine"), "{path} has {lines} lines: split it");
    }
}

#[test]
fn the_contract_knows_nobody_and_the_engine_knows_no_platform() {
    for (path, text) in sources(&["protocol/src"], &["rs"]) {
        for word in ["worker::", "footfall::"] {
            assert!(!text.contains(word), "{path} speaks of {word}");
        }
    }
    let forbidden = [
        "worker::",
        "wasm_bindgen",
        "js_sys",
        "crate::shell",
        "crate::access",
        "std::time",
        "Utc::now",
        "rand::",
        "HashMap",
    ];
    for (path, text) in sources(&["src/engine"], &["rs"]) {
        for word in forbidden {
            assert!(!text.contains(word), "{path} speaks of {word}");
        }
    }
    let engine = fs::read_to_string(root().join("src/engine.rs")).unwrap();
    assert!(forbidden.iter().all(|word| !engine.contains(word)));
    for (path, text) in sources(&["src/access", "src/sinks"], &["rs"]) {
        assert!(!text.contains("worker::") && !text.contains("crate::shell"), "{path} reaches into the shell");
    }
}

/// A file without its unit tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

/// A signature that is compared as texts are, letter by letter, tells by the time it takes how much of it is right. So what
/// is shown to us is compared by `seal::verify` alone, and nobody else makes a signature but to send it.
#[test]
fn signatures_are_compared_in_one_place_and_in_constant_time() {
    let senders = ["src/access/token.rs", "src/sinks/archive.rs", "src/sinks/lines.rs"];
    for (path, text) in sources(&["src"], &["rs"]).iter().filter(|(path, _)| path != "src/access/seal.rs") {
        let text = without_tests(text);
        for word in ["hmac::", "Hmac", "verify_slice", "seal::sign;", "seal::{sign", "seal::*"] {
            assert!(!text.contains(word), "{path} speaks of {word}");
        }
        let made = ["seal::sign(", "seal::sign_hex("].iter().map(|call| text.matches(call).count()).sum::<usize>();
        assert!(made == 0 || (made == 1 && senders.contains(&path.as_str())), "{path} makes {made} signatures");
    }
    let seal = fs::read_to_string(root().join("src/access/seal.rs")).unwrap();
    let verify = without_tests(&seal).split("pub fn verify(").nth(1).unwrap().split("\n}").next().unwrap();
    assert!(verify.contains(".verify_slice(") && !verify.contains("=="), "{verify}");
}

#[test]
fn every_bound_is_documented() {
    let limits = fs::read_to_string(root().join("protocol/src/limits.rs")).unwrap();
    let lines: Vec<&str> = limits.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("pub const")) {
        assert!(at > 0 && lines[at - 1].starts_with("///"), "{line}");
    }
}

#[test]
fn links_of_the_documentation_lead_somewhere() {
    for page in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/access.md", "docs/threats.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") && !link.starts_with('#') {
                let file = link.split('#').next().unwrap();
                let beside = root().join(page).parent().unwrap().join(file);
                assert!(beside.exists(), "{page} links to {link}");
            }
        }
    }
}

/// What the engine depends on, by a lock file.
fn locked(path: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let engine = text.split("[[package]]").find(|package| package.contains("name = \"footfall\"")).unwrap();
    let listed = engine.lines().filter(|line| line.starts_with(" \""));
    listed.filter_map(|line| line.split(['"', ' ']).nth(2).map(str::to_owned)).collect()
}

/// Benchmarks and fuzz targets are workspaces of their own, which nobody builds each day.
#[test]
fn lock_files_of_other_workspaces_have_what_the_engine_depends_on() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let sections = manifest.split("\n[").filter(|section| {
        let title = section.lines().next().unwrap_or_default();
        title == "dependencies]" || (title.starts_with("target.") && title.ends_with("dependencies]"))
    });
    let lines = sections.flat_map(|section| section.lines().skip(1));
    let names = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    let names: Vec<&str> = names.filter_map(|line| line.split([' ', '.', '=']).next()).collect();
    assert!(names.len() > 10, "{names:?}");
    for path in ["tests/bench/Cargo.lock", "tests/fuzz/Cargo.lock"] {
        let locked = locked(path);
        for name in &names {
            assert!(locked.iter().any(|has| has == name), "{path} lacks {name}: run `cargo update --workspace` there");
        }
    }
}
