//! Stand-in for the compiled rules, until the rule language lands.
#![allow(missing_docs, dead_code)]
use footfall_protocol::Value;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleSet {
    pub rules: Vec<String>,
}
pub struct RuleFault {
    pub code: &'static str,
    pub pointer: String,
    pub message: String,
}
pub struct DocumentFault {
    pub kind: &'static str,
    pub id: String,
    pub fault: RuleFault,
}
pub fn compile(rules: &[Value], segments: &[Value], stages: &[Value]) -> (RuleSet, Vec<DocumentFault>) {
    let ids = rules.iter().filter_map(|r| r.get("id")?.as_str().map(str::to_owned)).collect();
    (RuleSet { rules: ids }, vec![])
}
fn check(value: &Value) -> Result<(), Vec<RuleFault>> {
    if value.get("pattern").is_some() {
        return Ok(());
    }
    Err(vec![RuleFault { code: "missing", pointer: "/pattern".into(), message: "say what must happen".into() }])
}
pub fn compile_rule(value: &Value) -> Result<(), Vec<RuleFault>> {
    check(value)
}
pub fn compile_segment(value: &Value) -> Result<(), Vec<RuleFault>> {
    check(value)
}
pub fn compile_stage(value: &Value) -> Result<(), Vec<RuleFault>> {
    check(value)
}
impl RuleSet {
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![1]).expect("data")
    }
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes.get(1..)?).ok()
    }
}
