//! Reads the tree of values into serde structs and goes on after each mistake: an unknown key, a missing one and a bad
//! value are reported at their places, and all others are read all the same. What the language has as a default is
//! put in where nothing is written.
//!
//! It knows no key of the language: which there are the structs say, which are required and what is in force otherwise
//! `builtin.toml` says.

mod access;
mod bad;
mod fields;
mod key;

pub(crate) use bad::{of_sort, wrong};
pub(crate) use fields::fields_of;
pub(crate) use key::{Apart, Key, Named};

use serde::de::{Deserialize, Deserializer, Visitor};

use super::mask;
use super::node::{Node, Table, What};
use super::place::{At, Files, Format};
use super::problem::{Code, Problem, Problems};
use super::suggest;
use access::{Elements, Fields, Names, One, Pieces, Variant};
use bad::Bad;

/// The struct name under which a [`Key`] asks for its place.
const KEY: &str = "$key";
/// The name under which a list of tables asks for a single table, too.
pub(crate) const ONE_OR_MORE: &str = "$one or more";
/// A default that stands for "this must be written".
pub(crate) const REQUIRED: &str = "!";

/// What reading needs besides the value.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) problems: &'a Problems,
    pub(crate) files: &'a Files,
    /// What is in force when nothing is written, by struct name.
    pub(crate) builtin: &'a Table,
}

impl<'a> Reader<'a> {
    /// One table, all of whose keys `T` knows.
    pub(crate) fn read<T: Deserialize<'a>>(self, node: &'a Node) -> Option<T> {
        self.read_part(node, Some(&[]))
    }

    /// One table of which `T` knows some keys and `others` are known elsewhere; none: nothing is said of unknown ones.
    pub(crate) fn read_part<T: Deserialize<'a>>(
        self,
        node: &'a Node,
        others: Option<&'a [&'a str]>,
    ) -> Option<T> {
        self.take(De { reader: self, node, others, partial: false })
    }

    /// Some keys of a table: none is required, and none has a default.
    pub(crate) fn read_some<T: Deserialize<'a>>(self, node: &'a Node) -> Option<T> {
        self.take(De { reader: self, node, others: Some(&[]), partial: true })
    }

    fn take<T: Deserialize<'a>>(self, from: De<'a>) -> Option<T> {
        match T::deserialize(from) {
            Ok(value) => Some(value),
            Err(bad) => {
                self.report(from.node.at, &bad);
                None
            }
        }
    }

    fn report(self, at: At, bad: &Bad) {
        if bad.said {
            return;
        }
        if bad.code == Code::Secret {
            self.problems.mask(at);
        }
        let mut problem = Problem::error(bad.code, at, bad.message.clone());
        problem.help.clone_from(&bad.help);
        self.problems.add(problem);
    }
}

/// One value, as serde asks for it.
#[derive(Clone, Copy)]
struct De<'a> {
    reader: Reader<'a>,
    node: &'a Node,
    others: Option<&'a [&'a str]>,
    partial: bool,
}

impl<'a> De<'a> {
    fn of(reader: Reader<'a>, node: &'a Node) -> De<'a> {
        De { reader, node, others: Some(&[]), partial: false }
    }

    /// A variable's value is a text whatever it means.
    fn variable(&self) -> Option<&'a str> {
        let file = self.reader.files.of(self.node.at)?;
        if file.format == Format::Environment { self.node.text() } else { None }
    }

    /// The keys of a struct, with defaults for those that are not written.
    fn fields(&self, name: &str, known: &'static [&'static str], table: &'a Table) -> Fields<'a> {
        let Reader { problems, builtin, .. } = self.reader;
        let defaults = if self.partial { None } else { builtin.get(name).and_then(Node::table) };
        if let Some(others) = self.others {
            for (key, entry) in &table.0 {
                if !known.contains(&&**key) && !others.contains(&&**key) {
                    let all = known.iter().copied().chain(others.iter().copied());
                    // It may be a secret whose key is misspelt.
                    if suggest::nearest(key, all.clone()).is_none_or(mask::sounds_secret) {
                        problems.mask_texts(&entry.node);
                    }
                    let what = if name.is_empty() { "this table".to_owned() } else { a(name) };
                    problems.add(
                        Problem::error(Code::Unknown, entry.key, format!("{what} has no key `{key}`"))
                            .help(suggest::help(key, all)),
                    );
                }
            }
        }
        let mut fields = Vec::with_capacity(known.len());
        for &key in known {
            if let Some(node) = table.get(key).filter(|node| !matches!(node.what, What::Null)) {
                fields.push((key, node));
                continue;
            }
            match defaults.and_then(|defaults| defaults.get(key)) {
                Some(node) if node.text() == Some(REQUIRED) => {
                    problems.add(
                        Problem::error(
                            Code::Missing,
                            self.node.at,
                            format!("{} needs the key `{key}`", a(name)),
                        )
                        .help(format!("write `{key} = …` into this table")),
                    );
                }
                Some(node) => fields.push((key, node)),
                None => {}
            }
        }
        Fields::new(self.reader, fields)
    }
}

/// With its article.
fn a(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o']) || name.starts_with("http") { "an" } else { "a" };
    format!("{article} {name}")
}

macro_rules! as_any {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
            self.deserialize_any(visitor)
        }
    )*};
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
            match self.variable().and_then(|text| text.parse::<i64>().ok()) {
                Some(number) => visitor.visit_i64(number),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'a> Deserializer<'a> for De<'a> {
    type Error = Bad;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
        match &self.node.what {
            What::Null => visitor.visit_unit(),
            What::Flag(flag) => visitor.visit_bool(*flag),
            What::Int(number) => visitor.visit_i64(*number),
            What::Number(number) => match number.parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => Err(wrong("this is no number", "")),
            },
            What::Text(text) => visitor.visit_borrowed_str(text),
            What::List(list) => visitor.visit_seq(Elements::new(self.reader, list)),
            What::Table(table) => visitor.visit_map(Names::new(self.reader, table)),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Bad> {
        if name == KEY {
            return visitor.visit_map(One { reader: self.reader, node: self.node, asked: false });
        }
        match &self.node.what {
            What::Table(table) => visitor.visit_map(self.fields(name, fields, table)),
            What::Null | What::Flag(_) | What::Int(_) | What::Number(_) | What::Text(_) | What::List(_) => {
                let kind = self.node.kind();
                Err(wrong(
                    format_args!("a table belongs here ({}), and this is {kind}", a(name)),
                    "write its keys into a table: [ … ] on a line of its own, or { key = … }",
                ))
            }
        }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Bad> {
        match self.node.text() {
            Some(text) => visitor.visit_enum(Variant(text)),
            None => {
                let kind = self.node.kind();
                Err(wrong(format_args!("a word belongs here, and this is {kind}"), suggest::list(variants)))
            }
        }
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
        if let Some(text) = self.variable() {
            return visitor.visit_seq(Pieces::new(self.reader, self.node.at, text));
        }
        match self.node.what {
            What::List(_) => self.deserialize_any(visitor),
            What::Null | What::Flag(_) | What::Int(_) | What::Number(_) | What::Text(_) | What::Table(_) => {
                let kind = self.node.kind();
                Err(wrong(
                    format_args!("a list belongs here, and this is {kind}"),
                    "put it into brackets: [ … ]",
                ))
            }
        }
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
        match self.variable() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            Some(_) | None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
        match self.node.what {
            What::Null => visitor.visit_none(),
            What::Flag(_)
            | What::Int(_)
            | What::Number(_)
            | What::Text(_)
            | What::List(_)
            | What::Table(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Bad> {
        if name != ONE_OR_MORE {
            return visitor.visit_newtype_struct(self);
        }
        match self.node.table() {
            Some(_) => visitor.visit_seq(Elements::new(self.reader, std::slice::from_ref(self.node))),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Bad> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Bad> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Bad> {
        self.deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
        self.deserialize_any(visitor)
    }

    whole_numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
    deserialize_u32 deserialize_u64 }
    as_any! { deserialize_i128 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
    deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier }
}
