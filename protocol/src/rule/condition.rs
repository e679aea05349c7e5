//! Conditions as authors write them: free-form members, whose names are the fields of the tree.
//!
//! Which fields there are, the engine's table knows; the schema is given them when it is made.

use crate::{Object, Value};
use serde::{Deserialize, Serialize};

/// A condition where an event is at hand: every field of the tree can be read.
///
/// Members are fields with their tests, and `$and`, `$or`, `$nor` (arrays of conditions) and `$not` (a condition).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventCondition(pub Object);

/// A condition where no event is at hand: `event.*` cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Condition(pub Object);

/// A segment's condition: it reads neither `event.*` nor `segments`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentCondition(pub Object);

/// A string, a number or a boolean to be the same as, or operators such as `{"$gte": 500}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Test(pub Value);
