//! What is read from outside: the files, the environment, the host's name. The only part of `config` that does I/O, but
//! for secrets, which are read where they are used.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::place::Format;
use super::problem::{Code, Problem};

/// A file longer than this is no config.
const LONGEST: u64 = 4 * 1024 * 1024;
/// More files than this are no config.
const MOST_FILES: usize = 10_000;
/// Where the config is, unless said otherwise.
pub const USUAL: &str = "/etc/watchkeeper/watchkeeper.toml";
/// The folder of service files, beside the main one.
const SERVICES: &str = "services.d";

/// One file, not parsed yet.
#[derive(Clone)]
pub struct GivenFile {
    /// What people call it.
    pub name: String,
    /// What it says.
    pub text: String,
    /// How it is written.
    pub format: Format,
    /// It is `services.d/NAME`: its root is `[service.NAME]`.
    pub service: Option<String>,
}

/// All that a config is made from.
#[derive(Clone, Default)]
pub struct Given {
    /// The files, in the order in which they are laid over one another.
    pub files: Vec<GivenFile>,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// What this machine is called.
    pub host: Option<String>,
    /// What could not be read.
    pub unreadable: Vec<Problem>,
}

impl Given {
    /// One main file, as tests and the demo write it.
    #[must_use]
    pub fn text(name: &str, text: &str) -> Given {
        let file = GivenFile {
            name: name.to_owned(),
            text: text.to_owned(),
            format: format_of(name),
            service: None,
        };
        Given { files: vec![file], ..Given::default() }
    }

    /// The files at these places (a file, or a folder that holds `watchkeeper.toml`), with the service files beside
    /// each main one, and the environment.
    #[must_use]
    pub fn read(paths: &[PathBuf]) -> Given {
        let mut given = Given { variables: variables(), host: host(), ..Given::default() };
        let usual = [PathBuf::from(USUAL)];
        for path in if paths.is_empty() { &usual } else { paths } {
            given.path(path);
        }
        given
    }

    fn path(&mut self, path: &Path) {
        let main = if path.is_dir() { main_file(path) } else { path.to_owned() };
        let folder = main.parent().map(Path::to_owned).unwrap_or_default();
        if folder.file_name().is_some_and(|name| name == SERVICES) {
            return self.file(&main, true);
        }
        self.file(&main, false);
        let services = folder.join(SERVICES);
        let Ok(entries) = fs::read_dir(&services) else { return };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.iter().filter(|path| is_config(path)) {
            self.file(path, true);
        }
    }

    fn file(&mut self, path: &Path, service: bool) {
        let name = path.display().to_string();
        // Named twice, as `services.d/*` after the main file does, it is read once.
        if self.files.iter().any(|file| file.name == name) {
            return;
        }
        let refuse = |message: String, help: &str| Problem::error(Code::File, None, message).help(help);
        if self.files.len() >= MOST_FILES {
            let problem = refuse(format!("there are more than {MOST_FILES} files"), "remove some");
            if !self.unreadable.contains(&problem) {
                self.unreadable.push(problem);
            }
            return;
        }
        match text_of(path) {
            Ok(text) => {
                let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                let service = service.then(|| stem.to_owned());
                self.files.push(GivenFile { format: format_of(&name), name, text, service });
            }
            Err(why) => self.unreadable.push(refuse(
                format!("{name} cannot be read: {why}"),
                "name another file, or write one with `watchkeeper init`",
            )),
        }
    }
}

fn main_file(folder: &Path) -> PathBuf {
    let usual = folder.join("watchkeeper.toml");
    let others = ["watchkeeper.yaml", "watchkeeper.yml", "watchkeeper.json"];
    let other = || others.iter().map(|name| folder.join(name)).find(|path| path.exists());
    if usual.exists() { usual } else { other().unwrap_or(usual) }
}

fn is_config(path: &Path) -> bool {
    let hidden = path.file_name().and_then(|name| name.to_str()).is_none_or(|name| name.starts_with('.'));
    let ending = path.extension().and_then(|ending| ending.to_str());
    !hidden && matches!(ending, Some("toml" | "yaml" | "yml" | "json"))
}

fn format_of(name: &str) -> Format {
    match Path::new(name).extension().and_then(|ending| ending.to_str()) {
        Some("yaml" | "yml") => Format::Yaml,
        Some("json") => Format::Json,
        Some(_) | None => Format::Toml,
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    // Looked at before it is opened: to open a pipe would wait for its writer.
    let about = fs::metadata(path).map_err(|why| why.to_string())?;
    if !about.is_file() {
        return Err("it is no ordinary file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|why| why.to_string())?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is not text in UTF-8".to_owned())
}

fn host() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().to_lowercase();
    name.split('.').next().map(str::to_owned).filter(|name| !name.is_empty())
}

/// The environment is read once, here.
fn variables() -> BTreeMap<String, String> {
    let all = std::env::vars_os();
    all.filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(key, _)| key.to_uppercase().starts_with(super::layers::PREFIX))
        .collect()
}
