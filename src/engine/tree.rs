//! The tree that rules, segments, stages and templates see: one table, from which look-up, advice and documentation come.
//!
//! The tree is part of the contract: a field never changes its meaning, and none goes away within a protocol version.

mod fields;
mod nearest;
mod resolve;
mod roots;
mod scope;

pub use fields::{Entry, Field, Kind, Known, TREE};
pub use nearest::{closest, nearest};
pub use resolve::{LINE_MEMBERS, Setting, resolve, resolve_any, resolve_in, resolve_line};
pub use roots::{Root, Roots};
pub(super) use scope::index;
pub use scope::{Read, Scope};
