//! Fuzzes `footfall_fuzz::compile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::compile::check(data));
