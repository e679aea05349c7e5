//! Fuzzes `footfall_fuzz::access`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::access::check(data));
