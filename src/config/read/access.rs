//! What serde walks: the keys of a table, the elements of a list. A value that cannot be taken is reported here, where
//! its place is known, and the walk goes on.

use serde::de::value::{BorrowedStrDeserializer, U128Deserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::bad::Bad;
use super::{De, Reader};
use crate::config::node::{Entry, Node, Table};
use crate::config::place::At;

/// A value that asks for its own place: first that, then itself.
pub(super) struct One<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) node: &'a Node,
    pub(super) asked: bool,
}

impl<'a> MapAccess<'a> for One<'a> {
    type Error = Bad;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Bad> {
        if self.asked {
            return Ok(None);
        }
        self.asked = true;
        let place: U128Deserializer<Bad> = self.node.at.packed().into_deserializer();
        seed.deserialize(place).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Bad> {
        seed.deserialize(De::of(self.reader, self.node)).map_err(|bad| {
            self.reader.report(self.node.at, &bad);
            Bad { said: true, ..bad }
        })
    }
}

/// The keys of a struct.
pub(super) struct Fields<'a> {
    reader: Reader<'a>,
    left: std::vec::IntoIter<(&'static str, &'a Node)>,
    value: Option<&'a Node>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(reader: Reader<'a>, fields: Vec<(&'static str, &'a Node)>) -> Fields<'a> {
        Fields { reader, left: fields.into_iter(), value: None }
    }
}

impl<'a> MapAccess<'a> for Fields<'a> {
    type Error = Bad;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Bad> {
        let Some((key, node)) = self.left.next() else { return Ok(None) };
        self.value = Some(node);
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Bad> {
        value(self.reader, self.value.take(), seed)
    }
}

/// The entries of a table of names.
pub(super) struct Names<'a> {
    reader: Reader<'a>,
    left: std::collections::btree_map::Iter<'a, std::sync::Arc<str>, Entry>,
    value: Option<&'a Node>,
}

impl<'a> Names<'a> {
    pub(super) fn new(reader: Reader<'a>, table: &'a Table) -> Names<'a> {
        Names { reader, left: table.0.iter(), value: None }
    }
}

impl<'a> MapAccess<'a> for Names<'a> {
    type Error = Bad;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Bad> {
        let Some((key, entry)) = self.left.next() else { return Ok(None) };
        self.value = Some(&entry.node);
        seed.deserialize(KeyName { reader: self.reader, at: entry.key, text: key }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Bad> {
        value(self.reader, self.value.take(), seed)
    }
}

fn value<'a, V: DeserializeSeed<'a>>(
    reader: Reader<'a>,
    node: Option<&'a Node>,
    seed: V,
) -> Result<V::Value, Bad> {
    match node {
        Some(node) => seed.deserialize(De::of(reader, node)),
        None => Err(serde::de::Error::custom("a value is asked for before its key")),
    }
}

/// The name of an entry, or a piece of a variable, which may itself be wrong.
struct KeyName<'a> {
    reader: Reader<'a>,
    at: At,
    text: &'a str,
}

impl<'a> serde::Deserializer<'a> for KeyName<'a> {
    type Error = Bad;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Bad> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Bad> {
        visitor.visit_map(OneName { reader: self.reader, at: self.at, text: self.text })
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// As [`One`], of a name.
struct OneName<'a> {
    reader: Reader<'a>,
    at: At,
    text: &'a str,
}

impl<'a> MapAccess<'a> for OneName<'a> {
    type Error = Bad;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Bad> {
        let place: U128Deserializer<Bad> = self.at.packed().into_deserializer();
        seed.deserialize(place).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Bad> {
        seed.deserialize(BorrowedStrDeserializer::new(self.text)).map_err(|bad: Bad| {
            self.reader.report(self.at, &bad);
            Bad { said: true, ..bad }
        })
    }
}

/// The elements of a list.
pub(super) struct Elements<'a> {
    reader: Reader<'a>,
    left: std::slice::Iter<'a, Node>,
}

impl<'a> Elements<'a> {
    pub(super) fn new(reader: Reader<'a>, list: &'a [Node]) -> Elements<'a> {
        Elements { reader, left: list.iter() }
    }
}

impl<'a> SeqAccess<'a> for Elements<'a> {
    type Error = Bad;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Bad> {
        match self.left.next() {
            Some(node) => seed.deserialize(De::of(self.reader, node)).map(Some),
            None => Ok(None),
        }
    }
}

/// A variable that is a list: parted by commas.
pub(super) struct Pieces<'a> {
    reader: Reader<'a>,
    at: At,
    left: std::str::Split<'a, char>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(reader: Reader<'a>, at: At, text: &'a str) -> Pieces<'a> {
        Pieces { reader, at, left: text.split(',') }
    }
}

impl<'a> SeqAccess<'a> for Pieces<'a> {
    type Error = Bad;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Bad> {
        match self.left.find(|piece| !piece.trim().is_empty()) {
            Some(piece) => {
                seed.deserialize(KeyName { reader: self.reader, at: self.at, text: piece.trim() }).map(Some)
            }
            None => Ok(None),
        }
    }
}

/// One word of a closed list.
pub(super) struct Variant<'a>(pub(super) &'a str);

impl<'a> EnumAccess<'a> for Variant<'a> {
    type Error = Bad;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), Bad> {
        Ok((seed.deserialize(BorrowedStrDeserializer::<Bad>::new(self.0))?, self))
    }
}

impl<'a> VariantAccess<'a> for Variant<'a> {
    type Error = Bad;

    fn unit_variant(self) -> Result<(), Bad> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, _: T) -> Result<T::Value, Bad> {
        Err(serde::de::Error::invalid_type(Unexpected::UnitVariant, &"a word"))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, _: V) -> Result<V::Value, Bad> {
        Err(serde::de::Error::invalid_type(Unexpected::UnitVariant, &"a word"))
    }

    fn struct_variant<V: Visitor<'a>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Bad> {
        Err(serde::de::Error::invalid_type(Unexpected::UnitVariant, &"a word"))
    }
}
