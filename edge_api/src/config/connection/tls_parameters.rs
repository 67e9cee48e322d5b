//! The parameters `sslmode` and `sslrootcert` of a connection string, which the driver knows in part or not at all.

/// These parameters, and the connection string without them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TlsParameters {
    pub rest: String,
    pub sslmode: Option<String>,
    pub sslrootcert: Option<String>,
}

impl TlsParameters {
    /// Of either form, `postgres://...` or `key=value ...`. What is malformed is left to the driver.
    pub(super) fn take(text: &str) -> Self {
        let is_url = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        if is_url {
            Self::of_url(text)
        } else {
            Self::of_pairs(text)
        }
    }

    fn of_url(url: &str) -> Self {
        // As the driver reads it: user and password end at the first @.
        let host_at = url.find('@').unwrap_or_default();
        let Some(query_at) = url[host_at..].find('?').map(|at| host_at + at) else {
            return Self {
                rest: url.to_owned(),
                ..Self::default()
            };
        };
        let mut taken = Self::default();
        let kept: Vec<_> = url[query_at + 1..]
            .split('&')
            .filter(|pair| {
                // The driver takes a plus sign as it is, unlike a form.
                let decoded = pair.replace('+', "%2B");
                let mut pairs = form_urlencoded::parse(decoded.as_bytes());
                pairs
                    .next()
                    .is_none_or(|(key, value)| !taken.is_taken(&key, &value))
            })
            .collect();
        let separator = if kept.is_empty() { "" } else { "?" };
        taken.rest = format!("{}{separator}{}", &url[..query_at], kept.join("&"));
        taken
    }

    fn of_pairs(text: &str) -> Self {
        let mut taken = Self::default();
        let mut rest = Vec::new();
        let mut unread = text;
        while let Some((pair, key, value, after)) = next_pair(unread) {
            if !taken.is_taken(key, &value) {
                rest.push(pair);
            }
            unread = after;
        }
        rest.push(unread.trim());
        taken.rest = rest.join(" ").trim().to_owned();
        taken
    }

    fn is_taken(&mut self, key: &str, value: &str) -> bool {
        let place = match key {
            "sslmode" => &mut self.sslmode,
            "sslrootcert" => &mut self.sslrootcert,
            _ => return false,
        };
        *place = Some(value.to_owned());
        true
    }
}

/// The first pair as it stands, its key, its value without quotes, and what comes behind; none at the end or at
/// something malformed.
fn next_pair(text: &str) -> Option<(&str, &str, String, &str)> {
    let text = text.trim_start();
    let (key, behind) = text.split_once('=')?;
    let behind = behind.trim_start();
    let (is_quoted, behind) = match behind.strip_prefix('\'') {
        Some(quoted) => (true, quoted),
        None => (false, behind),
    };
    let mut value = String::new();
    let mut characters = behind.char_indices();
    let end = loop {
        match characters.next() {
            Some((_, '\\')) => value.push(characters.next()?.1),
            Some((at, '\'')) if is_quoted => break at + 1,
            Some((at, space)) if !is_quoted && space.is_whitespace() => break at,
            Some((_, other)) => value.push(other),
            None if is_quoted => return None,
            None => break behind.len(),
        }
    };
    let after = &behind[end..];
    let pair = &text[..text.len() - after.len()];
    Some((pair, key.trim(), value, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> (String, Option<String>, Option<String>) {
        let taken = TlsParameters::take(text);
        (taken.rest, taken.sslmode, taken.sslrootcert)
    }

    #[test]
    fn they_are_taken_from_both_forms_and_all_else_stays() {
        for (text, rest, sslmode, sslrootcert) in [
            ("postgres://a:b@h/d", "postgres://a:b@h/d", None, None),
            (
                "postgres://a:b?sslmode=x@h/d?sslmode=verify-full&options=-c%20x&sslrootcert=%2Fa+b.pem",
                "postgres://a:b?sslmode=x@h/d?options=-c%20x",
                Some("verify-full"),
                Some("/a+b.pem"),
            ),
            (
                "postgresql://h/d?sslmode=require",
                "postgresql://h/d",
                Some("require"),
                None,
            ),
            (
                r"host=h password='it\'s sslmode=no' sslmode = require  sslrootcert='/a b' port=1",
                r"host=h password='it\'s sslmode=no' port=1",
                Some("require"),
                Some("/a b"),
            ),
            ("host=h sslmode=prefer", "host=h", Some("prefer"), None),
            (
                "host='h sslmode=prefer",
                "host='h sslmode=prefer",
                None,
                None,
            ),
            ("nonsense", "nonsense", None, None),
        ] {
            let expected = (
                rest.to_owned(),
                sslmode.map(str::to_owned),
                sslrootcert.map(str::to_owned),
            );
            assert_eq!(taken(text), expected, "{text}");
        }
    }
}
