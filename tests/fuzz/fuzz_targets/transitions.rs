//! Fuzzes `footfall_fuzz::transitions`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::transitions::check(data));
