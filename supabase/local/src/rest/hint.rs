//! "Perhaps you meant": the name that is most like the one asked for, found as PostgREST finds it (a fuzzy set over pairs
//! and triples of letters, judged by the edit distance).

use std::collections::BTreeSet;

/// The least likeness of a function's or a table's name.
pub const OF_NAMES: f64 = 0.75;
/// The least likeness of the names of parameters.
pub const OF_PARAMETERS: f64 = 0.33;
/// The lengths of the parts that are compared, the longer first.
const GRAM_LENGTHS: [usize; 2] = [3, 2];

/// The candidate most like `wanted`; none when all are less like it than `least`.
pub fn most_like<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    least: f64,
) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let wanted = wanted.to_lowercase();
    if let Some(same) = candidates.iter().find(|one| one.to_lowercase() == wanted) {
        return Some(same);
    }
    GRAM_LENGTHS.iter().find_map(|&length| {
        let grams = grams(&wanted, length);
        let best = candidates
            .iter()
            .filter(|one| !grams.is_disjoint(&self::grams(one, length)))
            .map(|one| (likeness(&wanted, &one.to_lowercase()), *one))
            .filter(|(likeness, _)| *likeness >= least)
            // The first of equals.
            .rev()
            .max_by(|one, other| one.0.total_cmp(&other.0));
        best.map(|(_, name)| name)
    })
}

fn grams(text: &str, length: usize) -> BTreeSet<String> {
    let letters = text
        .to_lowercase()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | ','))
        .collect::<String>();
    let framed: Vec<char> = format!("-{letters}-").chars().collect();
    framed.windows(length).map(String::from_iter).collect()
}

/// 1 for equal texts, 0 for such as have nothing in common.
fn likeness(one: &str, other: &str) -> f64 {
    let longest = one.chars().count().max(other.chars().count());
    if longest == 0 {
        return 1.0;
    }
    1.0 - edits(one, other) as f64 / longest as f64
}

/// The number of letters to add, take away or replace (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = number + 1;
        for (at, &letter_of_other) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != letter_of_other);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (one, other, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(edits(one, other), expected, "{one} {other}");
        }
    }

    /// The examples of PostgREST's own documentation of its hints.
    #[test]
    fn hints_are_those_of_postgrest() {
        let functions = ["test", "another"];
        assert_eq!(most_like("testt", functions, OF_NAMES), Some("test"));
        assert_eq!(most_like("other", functions, OF_NAMES), None);
        assert_eq!(most_like("noclosealternative", functions, OF_NAMES), None);
        let parameters = ["(name, param, val)", "(attr, id)"];
        for (given, expected) in [
            ("(nam, pqaram, vall)", Some("(name, param, val)")),
            ("(param, val)", Some("(name, param, val)")),
            ("(attrs, id)", Some("(attr, id)")),
            ("(id)", Some("(attr, id)")),
            ("(noclosealternative)", None),
        ] {
            assert_eq!(
                most_like(given, parameters, OF_PARAMETERS),
                expected,
                "{given}"
            );
        }
    }
}
