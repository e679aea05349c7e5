//! Fuzzes `footfall_fuzz::decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::decode::check(data));
