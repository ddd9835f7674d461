//! The shape of a core type at the edge, and two macros that write it down for structs and for enums.
//!
//! Each field is listed by hand: a field that the core gains does not compile here until somebody has decided what it is
//! called on disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::agree::{Epoch, RunId};
use crate::core::authority::{ClusterId, SessionId};
use crate::core::ids::{Name, PolicyHash, StepPos};
use crate::core::plan::{PlanHash, StepName};
use crate::core::policy::ServicePolicy;
use crate::core::time::{Span, Wall};

/// What is stored cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be read: {0}")]
pub struct Unreadable(String);

impl Unreadable {
    pub(super) fn new(why: impl Into<String>) -> Unreadable {
        Unreadable(why.into())
    }
}

/// Whose it is: places of that service's policy become names and back.
#[derive(Clone, Copy)]
pub(crate) struct Of<'a>(Option<&'a ServicePolicy>);

impl<'a> Of<'a> {
    /// Nobody's: there is no place in it.
    pub(super) const NONE: Of<'static> = Of(None);

    pub(super) const fn service(policy: &'a ServicePolicy) -> Of<'a> {
        Of(Some(policy))
    }

    pub(super) const fn policy(self) -> Option<&'a ServicePolicy> {
        self.0
    }
}

/// A core type and its shape at the edge.
pub(crate) trait Shape: Sized {
    /// At the edge.
    type Wire: Serialize + DeserializeOwned;

    fn out(&self, of: Of<'_>) -> Self::Wire;
    fn back(wire: Self::Wire, of: Of<'_>) -> Result<Self, Unreadable>;
}

/// A struct, field by field.
macro_rules! shape {
    ($($core:ident as $wire:ident { $($field:ident: $ty:ty),* $(,)? })*) => {$(
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $wire { $($field: <$ty as Shape>::Wire),* }

        impl Shape for $core {
            type Wire = $wire;
            fn out(&self, of: Of<'_>) -> $wire {
                let $core { $($field),* } = self;
                $wire { $($field: <$ty as Shape>::out($field, of)),* }
            }
            fn back(wire: $wire, of: Of<'_>) -> Result<$core, Unreadable> {
                Ok($core { $($field: <$ty as Shape>::back(wire.$field, of)?),* })
            }
        }
    )*};
}

/// An enum, variant by variant.
macro_rules! choice {
    ($($core:ident as $wire:ident { $(
        $variant:ident $({ $($field:ident: $ty:ty),* $(,)? })? $(( $($at:ident: $aty:ty),* ))?
    ),* $(,)? })*) => {$(
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub(crate) enum $wire { $(
            $variant $({ $($field: <$ty as Shape>::Wire),* })? $(( $(<$aty as Shape>::Wire),* ))?
        ),* }

        impl Shape for $core {
            type Wire = $wire;
            fn out(&self, _of: Of<'_>) -> $wire {
                match self { $(
                    $core::$variant $({ $($field),* })? $(( $($at),* ))? =>
                        $wire::$variant $({ $($field: <$ty as Shape>::out($field, _of)),* })?
                            $(( $(<$aty as Shape>::out($at, _of)),* ))?
                ),* }
            }
            fn back(wire: $wire, _of: Of<'_>) -> Result<$core, Unreadable> {
                Ok(match wire { $(
                    $wire::$variant $({ $($field),* })? $(( $($at),* ))? =>
                        $core::$variant $({ $($field: <$ty as Shape>::back($field, _of)?),* })?
                            $(( $(<$aty as Shape>::back($at, _of)?),* ))?
                ),* })
            }
        }
    )*};
}

pub(super) use {choice, shape};

macro_rules! plain {
    ($($ty:ty),*) => {$(
        impl Shape for $ty {
            type Wire = $ty;
            fn out(&self, _: Of<'_>) -> $ty {
                self.clone()
            }
            fn back(wire: $ty, _: Of<'_>) -> Result<$ty, Unreadable> {
                Ok(wire)
            }
        }
    )*};
}
plain!(bool, u32, u64, i64, String);

macro_rules! numbered {
    ($($core:ident($out:ident, $back:ident)),*) => {$(
        impl Shape for $core {
            type Wire = u64;
            fn out(&self, _: Of<'_>) -> u64 {
                self.$out()
            }
            fn back(wire: u64, _: Of<'_>) -> Result<$core, Unreadable> {
                Ok($core::$back(wire))
            }
        }
    )*};
}
numbered!(Span(as_micros, micros), Wall(as_micros, micros));

macro_rules! wrapped {
    ($($core:ident),*) => {$(
        impl Shape for $core {
            type Wire = u64;
            fn out(&self, _: Of<'_>) -> u64 {
                self.0
            }
            fn back(wire: u64, _: Of<'_>) -> Result<$core, Unreadable> {
                Ok($core(wire))
            }
        }
    )*};
}
wrapped!(Epoch, RunId, SessionId);

macro_rules! hex {
    ($($core:ident),*) => {$(
        impl Shape for $core {
            type Wire = String;
            fn out(&self, _: Of<'_>) -> String {
                format!("{:032x}", self.0)
            }
            fn back(wire: String, _: Of<'_>) -> Result<$core, Unreadable> {
                let number = u128::from_str_radix(&wire, 16);
                number.map($core).map_err(|_| Unreadable::new(format!("`{wire}` is no hash")))
            }
        }
    )*};
}
hex!(ClusterId, PolicyHash);

impl Shape for PlanHash {
    type Wire = String;
    fn out(&self, _: Of<'_>) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
    fn back(wire: String, _: Of<'_>) -> Result<PlanHash, Unreadable> {
        let bad = || Unreadable::new(format!("`{wire}` is no hash"));
        let mut bytes = [0; 32];
        if wire.len() != 64 || !wire.is_ascii() {
            return Err(bad());
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let two = wire.get(2 * at..2 * at + 2).ok_or_else(bad)?;
            *byte = u8::from_str_radix(two, 16).map_err(|_| bad())?;
        }
        Ok(PlanHash(bytes))
    }
}

impl Shape for Name {
    type Wire = String;
    fn out(&self, _: Of<'_>) -> String {
        self.as_str().to_owned()
    }
    fn back(wire: String, _: Of<'_>) -> Result<Name, Unreadable> {
        Name::new(&wire).map_err(|why| Unreadable::new(format!("`{wire}`: {why}")))
    }
}

impl Shape for StepName {
    type Wire = String;
    fn out(&self, _: Of<'_>) -> String {
        self.to_string()
    }
    fn back(wire: String, _: Of<'_>) -> Result<StepName, Unreadable> {
        StepName::parse(&wire).map_err(|why| Unreadable::new(format!("`{wire}`: {why}")))
    }
}

/// A place in the list of steps of the very plan that it stands in.
impl Shape for StepPos {
    type Wire = u64;
    fn out(&self, _: Of<'_>) -> u64 {
        self.index() as u64
    }
    fn back(wire: u64, _: Of<'_>) -> Result<StepPos, Unreadable> {
        usize::back(wire, Of::NONE).map(StepPos::at)
    }
}

impl Shape for usize {
    type Wire = u64;
    fn out(&self, _: Of<'_>) -> u64 {
        *self as u64
    }
    fn back(wire: u64, _: Of<'_>) -> Result<usize, Unreadable> {
        usize::try_from(wire).map_err(|_| Unreadable::new(format!("{wire} is no place")))
    }
}

impl Shape for Arc<str> {
    type Wire = String;
    fn out(&self, _: Of<'_>) -> String {
        (**self).to_owned()
    }
    fn back(wire: String, _: Of<'_>) -> Result<Arc<str>, Unreadable> {
        Ok(Arc::from(wire))
    }
}

impl<T: Shape> Shape for Box<T> {
    type Wire = T::Wire;
    fn out(&self, of: Of<'_>) -> T::Wire {
        T::out(self, of)
    }
    fn back(wire: T::Wire, of: Of<'_>) -> Result<Box<T>, Unreadable> {
        T::back(wire, of).map(Box::new)
    }
}

impl<T: Shape> Shape for Option<T> {
    type Wire = Option<T::Wire>;
    fn out(&self, of: Of<'_>) -> Option<T::Wire> {
        self.as_ref().map(|it| it.out(of))
    }
    fn back(wire: Option<T::Wire>, of: Of<'_>) -> Result<Option<T>, Unreadable> {
        wire.map(|it| T::back(it, of)).transpose()
    }
}

impl<T: Shape> Shape for Vec<T> {
    type Wire = Vec<T::Wire>;
    fn out(&self, of: Of<'_>) -> Vec<T::Wire> {
        self.iter().map(|it| it.out(of)).collect()
    }
    fn back(wire: Vec<T::Wire>, of: Of<'_>) -> Result<Vec<T>, Unreadable> {
        wire.into_iter().map(|it| T::back(it, of)).collect()
    }
}

impl<A: Shape, B: Shape> Shape for (A, B) {
    type Wire = (A::Wire, B::Wire);
    fn out(&self, of: Of<'_>) -> (A::Wire, B::Wire) {
        (self.0.out(of), self.1.out(of))
    }
    fn back(wire: (A::Wire, B::Wire), of: Of<'_>) -> Result<(A, B), Unreadable> {
        Ok((A::back(wire.0, of)?, B::back(wire.1, of)?))
    }
}

impl<T: Shape> Shape for BTreeMap<Arc<str>, T> {
    type Wire = BTreeMap<String, T::Wire>;
    fn out(&self, of: Of<'_>) -> BTreeMap<String, T::Wire> {
        self.iter().map(|(key, it)| ((**key).to_owned(), it.out(of))).collect()
    }
    fn back(wire: BTreeMap<String, T::Wire>, of: Of<'_>) -> Result<BTreeMap<Arc<str>, T>, Unreadable> {
        wire.into_iter().map(|(key, it)| Ok((Arc::from(key), T::back(it, of)?))).collect()
    }
}
