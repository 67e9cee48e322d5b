//! SQLSTATEs as Postgres packs them into a number: six bits for each of the five characters.

use std::ffi::CStr;

use pgrx::pg_sys;

/// Postgres's MAKE_SQLSTATE.
pub fn pack(state: &str) -> i32 {
    state.bytes().enumerate().fold(0, |packed, (place, byte)| {
        packed | ((i32::from(byte) - i32::from(b'0')) & 0x3f) << (6 * place)
    })
}

/// Whether a packed state begins with these characters: its class, or less or more of it.
pub fn begins_with(packed: i32, characters: &str) -> bool {
    let mask = (1 << (6 * characters.len())) - 1;
    packed & mask == pack(characters)
}

/// The five characters, also of a state that pgrx does not know.
pub fn unpack(packed: i32) -> String {
    // SAFETY: a terminated text in a static buffer, copied at once.
    let text = unsafe { CStr::from_ptr(pg_sys::unpack_sql_state(packed)) };
    text.to_string_lossy().into_owned()
}
