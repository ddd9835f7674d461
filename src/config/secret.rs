//! Where a secret is kept, and reading it when it is used.
//!
//! A value is read each time, so that a rotated one is taken up without a reload. It must never be kept, printed or
//! compared here: what is shown of a secret is the place it comes from.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use thiserror::Error;

use crate::core::plan::SecretSource;

/// A secret longer than this is some other file.
const LONGEST: u64 = 64 * 1024;

/// Where a secret is kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// In a file.
    File(PathBuf),
    /// In the environment.
    Env(String),
    /// In a file of this name that systemd brought (`LoadCredential=`).
    Credential(String),
}

/// Why a secret could not be read. It is our trouble and never the target's.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// The file cannot be opened or read.
    #[error("{secret} cannot be read: {why}")]
    File {
        /// Which.
        secret: Secret,
        /// Why.
        why: io::Error,
    },
    /// What is there is no ordinary file, or is too long.
    #[error("{secret} is not an ordinary file of at most {LONGEST} bytes")]
    NotAFile {
        /// Which.
        secret: Secret,
    },
    /// The environment has no such variable.
    #[error("{secret} is not set")]
    NotSet {
        /// Which.
        secret: Secret,
    },
    /// A credential is asked for, and systemd gave none.
    #[error(
        "{secret} cannot be read: CREDENTIALS_DIRECTORY is not set; start under systemd with LoadCredential=, or use a file"
    )]
    NoCredentials {
        /// Which.
        secret: Secret,
    },
    /// A credential's name that leads out of its directory.
    #[error("{secret} is no name of a credential: it cannot be empty, begin with a dot or hold a slash")]
    NoName {
        /// Which.
        secret: Secret,
    },
    /// There is nothing in it.
    #[error("{secret} is empty")]
    Empty {
        /// Which.
        secret: Secret,
    },
    /// It is no text.
    #[error("{secret} is not text")]
    NotText {
        /// Which.
        secret: Secret,
    },
}

impl Secret {
    /// By its place.
    #[must_use]
    pub fn at(source: SecretSource, name: &str) -> Secret {
        match source {
            SecretSource::File => Secret::File(PathBuf::from(name)),
            SecretSource::Env => Secret::Env(name.to_owned()),
            SecretSource::Credential => Secret::Credential(name.to_owned()),
        }
    }

    /// Reads it now, without the newline at its end.
    pub fn read(&self) -> Result<SecretString, Unreadable> {
        let text = match self {
            Secret::File(path) => self.file(path)?,
            Secret::Env(name) => match variable(name) {
                Ok(text) => text,
                Err(std::env::VarError::NotPresent) => {
                    return Err(Unreadable::NotSet { secret: self.clone() });
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(Unreadable::NotText { secret: self.clone() });
                }
            },
            Secret::Credential(name) => {
                if name.is_empty() || name.starts_with('.') || name.contains('/') {
                    return Err(Unreadable::NoName { secret: self.clone() });
                }
                let folder = variable("CREDENTIALS_DIRECTORY");
                let folder = folder.map_err(|_| Unreadable::NoCredentials { secret: self.clone() })?;
                self.file(&Path::new(&folder).join(name))?
            }
        };
        let text =
            text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        if text.is_empty() {
            return Err(Unreadable::Empty { secret: self.clone() });
        }
        Ok(SecretString::from(text))
    }

    fn file(&self, path: &Path) -> Result<String, Unreadable> {
        let broken = |why| Unreadable::File { secret: self.clone(), why };
        // Looked at before it is opened: to open a pipe would wait for its writer.
        if !std::fs::metadata(path).map_err(broken)?.is_file() {
            return Err(Unreadable::NotAFile { secret: self.clone() });
        }
        let mut bytes = Vec::new();
        File::open(path).map_err(broken)?.take(LONGEST + 1).read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 > LONGEST {
            return Err(Unreadable::NotAFile { secret: self.clone() });
        }
        String::from_utf8(bytes).map_err(|_| Unreadable::NotText { secret: self.clone() })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a secret in the environment is read where it is used, and stays there"
)]
fn variable(name: &str) -> Result<String, std::env::VarError> {
    std::env::var(name)
}

/// The place, never the value.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::File(path) => write!(f, "the secret in the file {}", path.display()),
            Secret::Env(name) => write!(f, "the secret in the environment's {name}"),
            Secret::Credential(name) => write!(f, "the credential {name}"),
        }
    }
}

/// The place, never the value.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_is_read_without_its_newline_and_shown_without_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "canary-4711\n").unwrap();
        let secret = Secret::File(path.clone());
        let read = secret.read().unwrap();
        assert_eq!(read.expose_secret(), "canary-4711");
        assert!(!format!("{read:?}{secret:?}{secret}").contains("canary"));
        std::fs::write(&path, "").unwrap();
        assert!(matches!(secret.read(), Err(Unreadable::Empty { .. })));
        std::fs::write(&path, vec![b'x'; 70_000]).unwrap();
        assert!(matches!(secret.read(), Err(Unreadable::NotAFile { .. })));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(secret.read(), Err(Unreadable::NotText { .. })));
        assert!(matches!(Secret::File(folder.path().into()).read(), Err(Unreadable::NotAFile { .. })));
        assert!(matches!(Secret::File(folder.path().join("none")).read(), Err(Unreadable::File { .. })));
    }

    #[test]
    fn a_credential_cannot_lead_out_of_its_directory() {
        for name in ["", "../x", "a/b", ".", ".."] {
            let read = Secret::Credential(name.to_owned()).read();
            assert!(matches!(read, Err(Unreadable::NoName { .. })), "{name}");
        }
        let none = Secret::Env("WATCHKEEPER_NO_SUCH_VARIABLE".to_owned()).read();
        assert!(matches!(none, Err(Unreadable::NotSet { .. })));
    }
}
