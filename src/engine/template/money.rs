//! Amounts as text: `129.00 EUR`.

use crate::engine::tree::Read;
use footfall_protocol::{Amount, Value};

/// An amount with its currency; without one when there is no code of three letters. `None` when it is no amount.
pub(super) fn shown(value: &Read<'_>, currency: &str) -> Option<String> {
    let amount = match value {
        Read::Number(number) => Amount::from_units(*number),
        Read::Str(text) => Amount::from_value(&Value::from(*text)),
        Read::Value(value) => Amount::from_value(value),
        Read::Missing | Read::Bool(_) | Read::Texts(_) | Read::Object(_) => None,
    }?;
    let known = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_alphabetic());
    let currency = if known { currency.to_ascii_uppercase() } else { String::new() };
    let amount = amount.fixed(minor_digits(&currency));
    Some(if currency.is_empty() { amount } else { format!("{amount} {currency}") })
}

/// Decimals of a currency (ISO 4217).
fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}
