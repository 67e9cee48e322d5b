//! Annotated comments: a description, then annotations that begin with `@`.

use anyhow::{Result, bail};

/// A comment taken apart. Blanks and line ends count as one blank.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Annotated {
    pub description: String,
    /// Names without `@`, and what follows each.
    annotations: Vec<(String, String)>,
}

impl Annotated {
    pub fn parse(comment: &str) -> Self {
        let mut parsed = Self::default();
        for word in comment.split_whitespace() {
            match word.strip_prefix('@') {
                Some(name) if name.starts_with(|first: char| first.is_ascii_lowercase()) => {
                    parsed.annotations.push((name.to_owned(), String::new()));
                }
                _ => {
                    let text = match parsed.annotations.last_mut() {
                        Some((_, value)) => value,
                        None => &mut parsed.description,
                    };
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    text.push_str(word);
                }
            }
        }
        parsed
    }

    /// The text behind an annotation; empty if there is none, `None` without the annotation.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.annotations
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A list with commas between; empty where the annotation is not there.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.get(name)
            .unwrap_or_default()
            .split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    }

    /// Fails when there is an annotation that nobody reads here, or one twice.
    pub fn expect(&self, known: &[&str]) -> Result<()> {
        for (place, (name, _)) in self.annotations.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                bail!("@{name} means nothing here");
            }
            if self.annotations[..place]
                .iter()
                .any(|(other, _)| other == name)
            {
                bail!("@{name} stands there twice");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comment_is_a_description_and_its_annotations() {
        let comment = Annotated::parse(
            "\nStarts a stream,\nand more.\n@callers authenticated, service_role\n@repeat safe with id\n\
             @errors banned,\n    muted\n@native\n",
        );
        assert_eq!(comment.description, "Starts a stream, and more.");
        assert_eq!(comment.list("callers"), ["authenticated", "service_role"]);
        assert_eq!(comment.get("repeat"), Some("safe with id"));
        assert_eq!(comment.list("errors"), ["banned", "muted"]);
        assert_eq!(comment.get("native"), Some(""));
        assert!(!comment.has("null"));
    }

    #[test]
    fn annotations_of_a_field_stand_behind_its_text() {
        let comment = Annotated::parse("The entry. @null @json stream.log_entry");
        assert_eq!(comment.description, "The entry.");
        assert!(comment.has("null"));
        assert_eq!(comment.get("json"), Some("stream.log_entry"));
        assert_eq!(Annotated::parse("an address: a@b.c").annotations, []);
    }

    #[test]
    fn unknown_and_repeated_annotations_are_refused() {
        let comment = Annotated::parse("text @null @nul");
        assert!(comment.expect(&["null"]).is_err());
        assert!(comment.expect(&["null", "nul"]).is_ok());
        let twice = Annotated::parse("text @null @null");
        assert!(twice.expect(&["null"]).is_err());
    }
}
