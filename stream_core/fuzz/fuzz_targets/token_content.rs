//! Gives libFuzzer's inputs to `inputs/token_content.rs`.

#![no_main]

#[path = "../inputs/token_content.rs"]
mod token_content;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    token_content::play(bytes);
});
