//! Stand-in for the compiled rules, until the rule language lands.
#![allow(missing_docs, dead_code)]
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    pub rules: Vec<String>,
}
impl RuleSet {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![1]).expect("data")
    }
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes.get(1..)?).ok()
    }
}
