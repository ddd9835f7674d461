//! Which keys a struct knows, asked of the struct itself: so no list of them can differ from it.

use serde::de::{Deserialize, Deserializer, Visitor};

use super::bad::Bad;

/// The keys of `T`; none where it is no struct.
pub(crate) fn fields_of<'a, T: Deserialize<'a>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    // It always refuses: the list was all that was wanted.
    drop(T::deserialize(Asking(&mut found)));
    found
}

struct Asking<'f>(&'f mut &'static [&'static str]);

impl<'a> Deserializer<'a> for Asking<'_> {
    type Error = Bad;

    fn deserialize_any<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Bad> {
        Err(serde::de::Error::custom("only keys are asked for"))
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Bad> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
