//! Fuzzes `footfall_fuzz::sinks`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::sinks::check(data));
