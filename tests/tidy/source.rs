//! The Rust files of a tree, each with its place: which crate, which module, and whether only tests see it.
//!
//! The place comes from walking `mod` declarations from the crates' roots, as the compiler does. A file that the
//! walk does not reach has no place; `dead` reports it.

use std::collections::BTreeMap;

use super::lexer::{Kind, Token, tokens};
use super::manifest::{self, Target};
use super::tree::{File, Tree};

/// A tree, read: what the rules look at.
pub(crate) struct House<'t> {
    pub(crate) tree: &'t Tree,
    /// Every `.rs` file, by path.
    pub(crate) sources: BTreeMap<&'t str, Source<'t>>,
    /// The crates' roots that the manifests name, whether the file exists or not.
    pub(crate) targets: Vec<Target>,
}

/// One `.rs` file.
pub(crate) struct Source<'t> {
    pub(crate) file: &'t File,
    pub(crate) tokens: Vec<Token<'t>>,
    /// For each token, the module that it stands in, relative to the file: its place in `rooms`.
    room: Vec<usize>,
    rooms: Vec<Vec<&'t str>>,
    /// For each token, whether it stands under `#[cfg(test)]`, `#[test]` or the like.
    tested: Vec<bool>,
    mods: Vec<Mod<'t>>,
    /// Every `mod`, with a body or without: the room that it stands in, and its name.
    declared: Vec<(usize, &'t str)>,
    /// Every place that the walk gives it; empty if it is dead.
    pub(crate) places: Vec<Place>,
}

/// Where the compiler meets a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The path of the crate's root file.
    pub(crate) root: String,
    /// The module's path from the root: empty for the root itself.
    pub(crate) module: Vec<String>,
    /// Whether a `mod` on the way is under `#[cfg(test)]`.
    pub(crate) tested: bool,
}

/// A `mod name;`.
struct Mod<'t> {
    name: &'t str,
    at: usize,
    path: Option<&'t str>,
}

impl<'t> House<'t> {
    /// Reads all Rust files of `tree` and gives each its place.
    pub(crate) fn read(tree: &'t Tree) -> House<'t> {
        let rust = tree.files.iter().filter(|file| file.path.ends_with(".rs"));
        let sources = rust.map(|file| (file.path.as_str(), Source::read(file))).collect();
        let mut house = House { tree, sources, targets: manifest::targets(tree) };
        for root in house.targets.iter().map(|target| target.root.clone()).collect::<Vec<_>>() {
            let place = Place { root: root.clone(), module: Vec::new(), tested: false };
            house.settle(&root, place, true);
        }
        house
    }

    /// Gives a file its place, and then the files of its modules. `owns` says that these lie beside it, as they do for
    /// a root, a `mod.rs` and a file that `#[path]` names; else they lie in the folder that is called like the file.
    fn settle(&mut self, path: &str, place: Place, owns: bool) {
        let Some(source) = self.sources.get_mut(path) else { return };
        if source.places.contains(&place) {
            return;
        }
        source.places.push(place.clone());
        let source = &self.sources[path];
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let base = if owns { folder } else { path.trim_end_matches(".rs") };
        let mut next = Vec::new();
        for declared in &source.mods {
            let inside = &source.rooms[source.room[declared.at]];
            let mut module = place.module.clone();
            module.extend(inside.iter().map(|&room| room.to_owned()));
            module.push(declared.name.to_owned());
            let tested = place.tested || source.tested[declared.at];
            let below = join(base, &inside.join("/"));
            let found = match declared.path {
                Some(named) if inside.is_empty() => Some((join(folder, named), true)),
                Some(named) => Some((join(&below, named), true)),
                None => [("", false), ("/mod", true)]
                    .map(|(end, owns)| (join(&below, &format!("{}{end}.rs", declared.name)), owns))
                    .into_iter()
                    .find(|(file, _)| self.sources.contains_key(file.as_str())),
            };
            if let Some((file, owns)) = found {
                next.push((file, Place { root: place.root.clone(), module, tested }, owns));
            }
        }
        for (file, place, owns) in next {
            self.settle(&file, place, owns);
        }
    }

    /// The files that a rule about crate `root` looks at, each with its place.
    pub(crate) fn of_crate<'a>(&'a self, root: &'a str) -> impl Iterator<Item = (&'a Source<'t>, &'a Place)> {
        self.sources.values().flat_map(move |source| {
            source.places.iter().filter(move |place| place.root == root).map(move |place| (source, place))
        })
    }
}

/// A path below a folder, with `..` and `.` resolved.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl<'t> Source<'t> {
    fn read(file: &'t File) -> Source<'t> {
        let tokens = tokens(&file.text);
        let mut source = Source {
            file,
            room: Vec::with_capacity(tokens.len()),
            rooms: vec![Vec::new()],
            tested: Vec::with_capacity(tokens.len()),
            mods: Vec::new(),
            declared: Vec::new(),
            places: Vec::new(),
            tokens,
        };
        source.survey();
        source
    }

    /// One pass that finds the modules and what is under `#[cfg(test)]`.
    fn survey(&mut self) {
        // What each open brace ends: the room to go back to, and whether a tested item ends with it.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let (mut room, mut tested) = (0, false);
        let mut written_out = None;
        // What the attributes before the next item say of it, and the depth at which that item began.
        let (mut path, mut marked): (Option<&'t str>, Option<usize>) = (None, None);
        let mut at = 0;
        while at < self.tokens.len() {
            if let Some(end) = self.attribute(at) {
                let inside = &self.tokens[at + 2..end];
                if inside.first().is_some_and(|t| t.is("path")) {
                    path = inside.get(2).map(|t| t.text);
                }
                if marked.is_none() && for_tests(inside) {
                    marked = Some(open.len());
                }
                while at <= end {
                    self.note(room, tested || marked.is_some());
                    at += 1;
                }
                continue;
            }
            let token = self.tokens[at];
            self.note(room, tested || marked.is_some());
            if let [keyword, name, after, ..] = self.tokens[at..] {
                let module = keyword.is("mod") && name.is_word();
                if module && after.is(";") {
                    self.mods.push(Mod { name: name.text, at, path: path.take() });
                } else if module && after.is("{") {
                    written_out = Some(name.text);
                }
                if module {
                    self.declared.push((room, name.text));
                }
            }
            match token.text {
                "{" if token.is("{") => {
                    open.push((room, tested));
                    if let Some(name) = written_out.take() {
                        let inner = self.rooms[room].iter().copied().chain([name]).collect();
                        self.rooms.push(inner);
                        room = self.rooms.len() - 1;
                    }
                    if marked == Some(open.len() - 1) {
                        tested = true;
                        marked = None;
                    }
                }
                "}" if token.is("}") => {
                    if let Some(before) = open.pop() {
                        (room, tested) = before;
                    }
                    // A marked field, variant or arm without a body ends with what encloses it.
                    if marked.is_some_and(|depth| depth > open.len()) {
                        marked = None;
                    }
                }
                // One inside brackets, as between a function's parameters, ends nothing.
                ";" if token.is(";") && marked == Some(open.len()) && !self.enclosed(at, &["(", "["]) => {
                    marked = None;
                }
                "," if token.is(",")
                    && marked == Some(open.len())
                    && !self.enclosed(at, &["(", "[", "<"]) =>
                {
                    marked = None;
                }
                _ => {}
            }
            if token.is(";") || token.is("{") || token.is("}") {
                path = None;
            }
            at += 1;
        }
    }

    fn note(&mut self, room: usize, tested: bool) {
        self.room.push(room);
        self.tested.push(tested);
    }

    /// The end of the outer attribute that begins at a token.
    fn attribute(&self, at: usize) -> Option<usize> {
        (self.tokens[at].is("#") && self.tokens.get(at + 1)?.is("[")).then(|| self.closing(at + 1))?
    }

    /// The token that closes the bracket at `at`.
    pub(crate) fn closing(&self, at: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (here, token) in self.tokens.iter().enumerate().skip(at) {
            if ["(", "[", "{"].iter().any(|sign| token.is(sign)) {
                depth += 1;
            } else if [")", "]", "}"].iter().any(|sign| token.is(sign)) {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(here);
                }
            }
        }
        None
    }

    /// Whether one of these brackets is open at a token, within its item.
    fn enclosed(&self, at: usize, brackets: &[&str]) -> bool {
        let mut depth = 0_usize;
        for token in self.tokens[..at].iter().rev().filter(|t| t.kind == Kind::Sign) {
            match token.text {
                ")" | "]" => depth += 1,
                ">" if brackets.contains(&"<") => depth += 1,
                sign if brackets.contains(&sign) && depth == 0 => return true,
                sign if brackets.contains(&sign) => depth -= 1,
                "{" | "}" | ";" => return false,
                _ => {}
            }
        }
        false
    }

    /// Whether only tests see that token of this file, met at that place.
    pub(crate) fn tested(&self, at: usize, place: &Place) -> bool {
        place.tested || self.tested[at]
    }

    /// The module that a token stands in, from the crate's root.
    pub(crate) fn module(&self, at: usize, place: &Place) -> Vec<String> {
        let inside = self.rooms[self.room[at]].iter().map(|&room| room.to_owned());
        place.module.iter().cloned().chain(inside).collect()
    }

    /// Whether the module that a token stands in declares a module of that name.
    pub(crate) fn declares(&self, at: usize, name: &str) -> bool {
        self.declared.contains(&(self.room[at], name))
    }

    /// The names of the modules that are written out in this file, with their lines.
    pub(crate) fn inline_modules(&self) -> impl Iterator<Item = Token<'t>> {
        self.tokens.windows(3).filter(|w| w[0].is("mod") && w[1].is_word() && w[2].is("{")).map(|w| w[1])
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &'t str {
        &self.file.path
    }
}

/// Whether an attribute leaves its item to tests: `test`, `cfg(test)`, `cfg(all(test, …))`, or
/// `cfg(any(test, feature = "testing"))`. Anything else, `cfg(not(test))` first of all, does not.
fn for_tests(attribute: &[Token<'_>]) -> bool {
    let text = attribute.iter().map(|t| t.text).collect::<Vec<_>>().join(" ");
    matches!(text.as_str(), "test" | "cfg ( test )" | "cfg ( any ( test , feature = testing ) )")
        || text.starts_with("cfg ( all ( test ,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house_of(files: &[(&str, &str)]) -> Vec<(String, Vec<String>, bool)> {
        let tree = files.iter().fold(Tree::default(), |tree, (path, text)| tree.with(path, text));
        let tree = tree.with("Cargo.toml", "[package]\nname = \"x\"\n");
        let house = House::read(&tree);
        let places = house.sources.values().flat_map(|source| {
            source.places.iter().map(|p| (source.path().to_owned(), p.module.clone(), p.tested))
        });
        places.collect()
    }

    fn at(path: &str, module: &str, tested: bool) -> (String, Vec<String>, bool) {
        (path.into(), module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect(), tested)
    }

    #[test]
    fn modules_are_found_where_the_compiler_finds_them() {
        let found = house_of(&[
            ("src/lib.rs", "mod a; mod b { mod c; } #[path = \"odd/d.rs\"] mod d; #[cfg(test)] mod tests;"),
            ("src/a.rs", "mod e;"),
            ("src/a/e.rs", ""),
            ("src/b/c/mod.rs", "mod f;"),
            ("src/b/c/f.rs", ""),
            ("src/odd/d.rs", "mod g;"),
            ("src/odd/g.rs", ""),
            ("src/tests.rs", "mod deep;"),
            ("src/tests/deep.rs", ""),
            ("src/lost.rs", ""),
        ]);
        let expected = [
            at("src/a.rs", "a", false),
            at("src/a/e.rs", "a::e", false),
            at("src/b/c/f.rs", "b::c::f", false),
            at("src/b/c/mod.rs", "b::c", false),
            at("src/lib.rs", "", false),
            at("src/odd/d.rs", "d", false),
            at("src/odd/g.rs", "d::g", false),
            at("src/tests.rs", "tests", true),
            at("src/tests/deep.rs", "tests::deep", true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn test_code_ends_where_its_item_ends() {
        let text = "
            #[cfg(test)] use t1::X;
            use n1::X;
            #[cfg(test)] fn t2(a: t3, b: t4) -> t5 { t6 }
            fn n2() { n3 }
            #[cfg(not(test))] fn n4() {}
            #[cfg(test)] #[derive(Debug)] struct t7 { t8: u8 }
            struct n5 { #[cfg(test)] t9: u8, n6: u8, #[cfg(test)] t10: u8 }
            struct n7;
            #[cfg(test)] mod t11 { fn t12() {} mod t13 { t14 } }
            mod n8 { n9 }
            #[cfg(test)] const t15: [u8; 2] = [1, 2];
            const n10: u8 = 0;
        ";
        let file = File { path: "src/lib.rs".into(), text: text.into() };
        let source = Source::read(&file);
        assert_eq!(source.tested.len(), source.tokens.len());
        assert_eq!(source.room.len(), source.tokens.len());
        let marks = |c| move |t: &&Token<'_>| t.text.starts_with(c) && t.text[1..].parse::<u8>().is_ok();
        for (at, token) in source.tokens.iter().enumerate() {
            if marks('t')(&token) {
                assert!(source.tested[at], "{} is test code", token.text);
            }
            if marks('n')(&token) {
                assert!(!source.tested[at], "{} is no test code", token.text);
            }
        }
    }
}
