//! Who may do what, and to whom an event belongs: tokens, keys, roles, origins, bots. Pure, so that the host tests it;
//! the shell only brings the bytes.

pub mod admin;
pub mod attest;
pub mod body;
pub mod bot;
pub mod credential;
pub mod delivery;
pub mod device;
mod distinct;
pub mod head;
pub mod headers;
pub mod jwks;
pub mod origin;
pub mod precondition;
pub mod rate;
pub mod routes;
pub mod scope;
pub mod seal;
mod secrets;
pub mod sender;
pub mod site;
pub mod token;
pub mod write_keys;
