//! Footfall's contract: every type that crosses a process boundary, and the one decoder of what comes in.

pub mod amount;
pub mod decode;
pub mod duration;
pub mod event;
pub mod ids;
pub mod limits;
pub mod line;
pub mod message;
pub mod query;
pub mod record;
pub mod rejection;
pub mod rule;
pub mod value;
pub mod vocabulary;

pub use amount::Amount;
pub use value::{Object, Value};

/// Version of the contract on the wire, in paths (`/v1/…`) and on the socket.
pub const PROTOCOL_VERSION: u32 = 1;

/// Milliseconds since the Unix epoch.
pub type Millis = u64;
