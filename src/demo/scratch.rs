//! A folder of its own under the system's temporary one, which goes when it is dropped, however the demo ends.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// So many names are tried.
const TRIES: u32 = 100;

/// The folder.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Nobody else may look into it, and no other demo has the same: what exists already is not taken.
    pub(super) fn new() -> Result<Scratch, String> {
        let under = std::env::temp_dir();
        let (process, mut taken) = (std::process::id(), None);
        for number in 0..TRIES {
            let path = under.join(format!("watchkeeper-demo-{process}-{number}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Scratch(path)),
                Err(why) if why.kind() == io::ErrorKind::AlreadyExists => taken = Some(why),
                Err(why) => {
                    return Err(format!(
                        "no folder can be made in {}: {why}; set TMPDIR to one where there is room",
                        under.display()
                    ));
                }
            }
        }
        let why = taken.map_or_else(String::new, |why| format!(" ({why})"));
        Err(format!("{} is full of folders that other demos left{why}: remove them", under.display()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whatever is left is in the system's temporary folder, which is where it may be.
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_and_takes_it_along() {
        let (one, two) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        let paths = [one.path().to_owned(), two.path().to_owned()];
        assert_ne!(paths[0], paths[1]);
        fs::create_dir(paths[0].join("state")).unwrap();
        fs::write(paths[0].join("state").join("file"), "x").unwrap();
        drop(one);
        assert_eq!(paths.each_ref().map(|path| path.exists()), [false, true]);
        drop(two);
        assert!(!paths[1].exists());
    }
}
