//! Fuzzes `footfall_fuzz::users`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| footfall_fuzz::users::check(data));
