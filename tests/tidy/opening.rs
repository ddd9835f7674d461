//! Every Rust file opens with `//!`: what it is for, and what it must never do.
//!
//! Why: whoever opens a file at three in the morning reads its first line, and whoever adds to it must see first
//! whether the addition belongs there.

use super::Finding;
use super::source::House;

pub(super) fn check(house: &House<'_>) -> Vec<Finding> {
    let files = house.sources.values().filter(|source| {
        let ours = ["src/", "tests/", "benches/"].iter().any(|folder| source.path().starts_with(folder));
        let first = source.file.text.lines().next().unwrap_or_default();
        ours && first.strip_prefix("//!").is_none_or(|words| words.trim().is_empty())
    });
    let say = "begin the file with a `//!` line that says what it is for, and then what it must never do";
    files.map(|source| Finding::new(source.path(), 1, say)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::bad_trees::reported;

    #[test]
    fn a_file_without_an_opening_is_reported() {
        for text in
            ["", "\n//! Late.\n", "// Names.\n", "//!\n//! Names.\n", "use core::fmt;\n", "/// Names.\n"]
        {
            reported(
                &[("src/core/ids.rs", text)],
                &[("src/core/ids.rs", 1, "begin the file with a `//!` line")],
            );
        }
        let manifest = "[package]\nname = \"watchkeeper\"\n[[test]]\nname = \"a\"\n[[bench]]\nname = \"b\"\n";
        let files =
            [("Cargo.toml", manifest), ("tests/a.rs", "#[test]\n"), ("benches/b.rs", "fn main() {}\n")];
        reported(&files, &[("benches/b.rs", 1, "`//!`"), ("tests/a.rs", 1, "`//!`")]);
    }
}
