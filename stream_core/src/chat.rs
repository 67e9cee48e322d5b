//! The content that a chat message may have.

use unicode_normalization::UnicodeNormalization;

use crate::error::ErrorCode;

/// The longest message, in Unicode scalar values after normalisation. The error catalogue names
/// this number in the sentence of `content_too_long`.
pub const MAX_CONTENT_CHARS: usize = 2000;

/// The text of a chat message as it is stored: trimmed, in Unicode normal form C, of 1 to
/// [`MAX_CONTENT_CHARS`] characters, at least one of them visible, with no control characters
/// except the newline and nothing that overrides the direction of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Trims Unicode white space, turns CR LF into LF and normalises to form C (UAX #15), so that
    /// two messages that look alike are equal and count alike.
    ///
    /// # Errors
    ///
    /// * [`ErrorCode::ContentEmpty`]: nothing visible is left.
    /// * [`ErrorCode::ContentInvalid`]: a control or a bidirectional formatting character.
    /// * [`ErrorCode::ContentTooLong`]: more than [`MAX_CONTENT_CHARS`] characters.
    pub fn parse(text: &str) -> Result<Self, ErrorCode> {
        let lines = text.trim().replace("\r\n", "\n");
        let mut content = String::with_capacity(lines.len());
        let mut has_visible = false;
        // Normalising lazily and stopping at the limit keeps the work for a huge text small.
        for (position, character) in lines.nfc().enumerate() {
            if position == MAX_CONTENT_CHARS {
                return Err(ErrorCode::ContentTooLong);
            }
            if is_forbidden(character) {
                return Err(ErrorCode::ContentInvalid);
            }
            has_visible |= !is_blank(character);
            content.push(character);
        }
        if has_visible {
            Ok(Self(content))
        } else {
            Err(ErrorCode::ContentEmpty)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters (C0, DEL, C1), and the bidirectional embeddings, overrides and isolates,
/// with which one message can be made to look like another or disturb the lines around it.
fn is_forbidden(character: char) -> bool {
    match character {
        '\n' => false,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

/// Characters that leave no mark: white space, the code points with the Unicode property
/// Default_Ignorable_Code_Point (DerivedCoreProperties.txt: zero-width joiners, fillers, variation
/// selectors, tags), and the empty Braille pattern. They are welcome next to visible ones, as emoji
/// sequences and several scripts need them.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || is_ignorable(character)
}

/// Default_Ignorable_Code_Point, and the empty Braille pattern.
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(character,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The longest name beside a message, in Unicode scalar values.
pub const MAX_NAME_CHARS: usize = 64;

/// The name beside a message, made of the application's name for the user: in Unicode normal form C, trimmed, without
/// control characters, line separators and whatever overrides the direction of text, and cut to
/// [`MAX_NAME_CHARS`] characters. None where nothing visible is left. A name is cleaned and not refused, since
/// its bearer cannot help it; without cleaning it could forge lines around it or look like somebody else's.
pub fn display_name(name: &str) -> Option<String> {
    if is_plain_name(name) {
        return Some(name.to_owned());
    }
    let cleaned: String = name
        .chars()
        .filter(|character| !is_forbidden_in_name(*character))
        .nfc()
        .skip_while(|character| character.is_whitespace())
        .take(MAX_NAME_CHARS)
        .collect();
    let cleaned = cleaned.trim_end();
    (!cleaned.chars().all(is_blank)).then(|| cleaned.to_owned())
}

/// Most names are, and need no work.
fn is_plain_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && !name.starts_with(' ')
        && !name.ends_with(' ')
}

fn is_forbidden_in_name(character: char) -> bool {
    matches!(character, '\n' | '\u{2028}' | '\u{2029}') || is_forbidden(character)
}

#[cfg(test)]
mod tests;
