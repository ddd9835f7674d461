//! The config language as its users meet it: bad files and what is said of them, the sketches, layers, secrets, speed.
//!
//! Only what `watchkeeper::config` shows to everybody is used; nothing outside the project's own folder is read.

mod bad;
mod good;
mod layers;
mod mutated;
mod secrets;
mod sketches;
mod unwise;

use std::fs;
use std::path::{Path, PathBuf};

use watchkeeper::config::Given;
use watchkeeper::config::given::GivenFile;
use watchkeeper::config::place::Format;

/// The tests' configs.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

/// What is in a folder, by name.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a folder's entry is readable").path()).collect();
    paths.sort();
    paths
}

/// A file, or a folder with a main file and services; names are short, so that snapshots are the same everywhere.
fn given(path: &Path, name: &str) -> Given {
    let mut given = Given { host: Some("use1".to_owned()), ..Given::default() };
    let mut add = |path: &Path, name: String, service: Option<String>| {
        let format = match path.extension().and_then(|ending| ending.to_str()) {
            Some("yaml") => Format::Yaml,
            Some("json") => Format::Json,
            _ => Format::Toml,
        };
        let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        given.files.push(GivenFile { name, text, format, service });
    };
    if path.is_file() {
        add(path, name.to_owned(), None);
        return given;
    }
    add(&path.join("watchkeeper.toml"), format!("{name}/watchkeeper.toml"), None);
    for path in paths(&path.join("services.d")) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a file's name is text").to_owned();
        add(&path, format!("{name}/services.d/{stem}.toml"), Some(stem.clone()));
    }
    given
}

/// One main file of that text.
fn text(text: &str) -> Given {
    Given { host: Some("use1".to_owned()), ..Given::text("watchkeeper.toml", text) }
}

/// A config that is right, to be spoiled.
const GOOD: &str = r#"
[self_trust]
reference_points = ["1.1.1.1:443", "8.8.8.8:443", "9.9.9.9:443"]
[service.shop]
regions = ["us-east-1", "us-west-2"]
[service.shop.probe.web]
kind = "http"
url = "https://shop.{region}.example.com/health"
[service.shop.scenario.down]
"#;
