//! A tree of files as text: the real one, or one made up by a test.

use std::fs;
use std::io;
use std::path::Path;

/// One text file. Its path is relative to the root, with `/`.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All text files of a tree, sorted by path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads every text file under `root`, but for Git's own folder and whatever Cargo builds.
    pub(crate) fn read(root: &str) -> io::Result<Tree> {
        let mut tree = Tree::default();
        tree.enter(Path::new(root), "")?;
        Ok(tree)
    }

    fn enter(&mut self, root: &Path, folder: &str) -> io::Result<()> {
        let mut names = Vec::new();
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            names.push((entry.file_name().to_string_lossy().into_owned(), entry.file_type()?));
        }
        names.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, kind) in names {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if kind.is_dir() {
                // Cargo marks its target folders with this file, whatever they are called.
                let built = name == "target" || root.join(&path).join("CACHEDIR.TAG").exists();
                if name != ".git" && !built {
                    self.enter(root, &path)?;
                }
            } else if kind.is_file() {
                match fs::read_to_string(root.join(&path)) {
                    Ok(text) => self.files.push(File { path, text }),
                    // A picture or another file that is no text has nothing to say here.
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// The same tree with one file put in place of the one of that path, or added.
    pub(crate) fn with(mut self, path: &str, text: &str) -> Tree {
        self.files.retain(|file| file.path != path);
        self.files.push(File { path: path.to_owned(), text: text.to_owned() });
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self
    }

    /// The same tree without the file of that path.
    pub(crate) fn without(mut self, path: &str) -> Tree {
        self.files.retain(|file| file.path != path);
        self
    }

    /// The file of that path.
    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}
