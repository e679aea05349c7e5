//! Replays what the fuzzers found interesting, without a fuzzer: the corpora of `tests/fuzz`, and random bytes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "fuzz/src/lib.rs"]
mod fuzz;

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use std::path::Path;

/// Random inputs for each target, besides its corpus.
const RANDOM: u64 = 300;

/// What a fuzzer's main thread has; the threads of tests have a quarter of it.
const STACK_BYTES: usize = 8 * 1024 * 1024;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut inputs: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 10, "the corpus of {target} is committed");
    for seed in 0..RANDOM {
        let mut random = StdRng::seed_from_u64(seed);
        let mut bytes = vec![0; usize::try_from(random.next_u32() % 600).unwrap()];
        random.fill_bytes(&mut bytes);
        inputs.push((format!("seed {seed}"), bytes));
    }
    let run = move || {
        for (name, bytes) in inputs {
            let ended = std::panic::catch_unwind(|| check(&bytes));
            assert!(ended.is_ok(), "{name} panicked");
        }
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(run).unwrap().join().unwrap();
}

#[test]
fn no_document_makes_the_compiler_panic() {
    replay("compile", fuzz::compile::check);
}

#[test]
fn the_index_answers_as_the_conditions_that_the_fuzzer_found() {
    replay("index", fuzz::index::check);
}

#[test]
fn no_life_breaks_an_invariant() {
    replay("transitions", fuzz::transitions::check);
}

#[test]
fn the_log_of_every_life_folds_to_what_it_is() {
    replay("log", fuzz::log::check);
}

#[test]
fn nothing_that_comes_in_makes_the_decoder_panic() {
    replay("decode", fuzz::decode::check);
}

#[test]
fn no_credential_and_no_configuration_makes_its_reader_panic() {
    replay("access", fuzz::access::check);
}

#[test]
fn nothing_that_an_operator_sends_makes_its_reader_panic() {
    replay("admin", fuzz::admin::check);
}

#[test]
fn no_record_is_lost_or_changed_on_its_way_to_a_sink() {
    replay("sinks", fuzz::sinks::check);
}

#[test]
fn no_damage_to_stored_bytes_makes_reading_them_panic() {
    replay("snapshot", fuzz::snapshot::check);
}

#[test]
fn no_letter_no_merge_and_no_damage_breaks_a_user() {
    replay("users", fuzz::users::check);
}
