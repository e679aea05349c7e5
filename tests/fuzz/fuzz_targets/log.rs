//! Fuzzes `footfall_fuzz::log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::log::check(data));
