//! Fuzzes `footfall_fuzz::index`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::index::check(data));
