//! Gives libFuzzer's inputs to `inputs/token_text.rs`.

#![no_main]

#[path = "../inputs/token_text.rs"]
mod token_text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    token_text::play(bytes);
});
