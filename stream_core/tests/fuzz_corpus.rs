//! Everything that fuzzing found worth keeping is read, or refused, without a panic.
//!
//! The fuzz targets' own functions, without libFuzzer, so that this runs everywhere.

#[path = "../fuzz/inputs/token_content.rs"]
mod token_content;
#[path = "../fuzz/inputs/token_text.rs"]
mod token_text;

use std::fs;
use std::path::PathBuf;

/// This package's directory, from cargo: a path of the compiler would be that of another checkout where both share a
/// target directory.
fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .expect("cargo names the package")
        .into()
}

/// The numbers of inputs of a target's corpus that are read as tokens and that are refused.
fn replay(target: &str, play: fn(&[u8]) -> bool) -> (usize, usize) {
    let corpus = package().join("fuzz/corpus").join(target);
    let (mut read, mut refused) = (0, 0);
    for entry in fs::read_dir(corpus).expect("the corpus is part of the repository") {
        let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
        if play(&bytes) {
            read += 1;
        } else {
            refused += 1;
        }
    }
    (read, refused)
}

#[test]
fn every_text_of_the_corpus_is_read_or_refused() {
    let (read, refused) = replay("token_text", token_text::play);
    assert!(
        read >= 10 && refused >= 10,
        "{read} read, {refused} refused"
    );
}

#[test]
fn every_content_of_the_corpus_is_read_or_refused() {
    let (read, refused) = replay("token_content", token_content::play);
    assert!(
        read >= 10 && refused >= 10,
        "{read} read, {refused} refused"
    );
}
