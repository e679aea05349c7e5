//! Fuzzes `footfall_fuzz::snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::snapshot::check(data));
