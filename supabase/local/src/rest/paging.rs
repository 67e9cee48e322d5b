//! The words of a query that PostgREST keeps for itself: they shape what a function returns and never reach it.

use crate::rest::error::RestError;

/// The parts of a query that shape the answer: `select`, `order`, `limit` and `offset`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Paging {
    /// Columns; none: all.
    select: Vec<String>,
    /// SQL of the columns, with their directions.
    order: Vec<String>,
    limit: Option<u64>,
    offset: Option<u64>,
}

/// A pair of the query, name and value.
pub type Pair = (String, String);

impl Paging {
    /// Takes PostgREST's own words out of a query; what remains are arguments. Whatever PostgREST would do
    /// and this does not is refused rather than handed to the function.
    pub fn split(pairs: Vec<Pair>) -> Result<(Self, Vec<Pair>), RestError> {
        let mut paging = Self::default();
        let mut arguments = Vec::new();
        for (name, value) in pairs {
            match name.as_str() {
                "select" => paging.select = columns(&value)?,
                "order" => paging.order = terms(&value)?,
                "limit" => paging.limit = Some(number("limit", &value)?),
                "offset" => paging.offset = Some(number("offset", &value)?),
                "and" | "or" | "not" | "columns" | "on_conflict" => {
                    return Err(RestError::NotModelled(format!("the parameter {name}")));
                }
                _ if name.contains('.') => {
                    return Err(RestError::NotModelled(
                        "parameters of embedded tables".to_owned(),
                    ));
                }
                _ if is_filter(&value) => {
                    return Err(RestError::NotModelled(format!("the filter on {name}")));
                }
                _ => arguments.push((name, value)),
            }
        }
        Ok((paging, arguments))
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The rows that are passed over.
    pub fn offset(&self) -> u64 {
        self.offset.unwrap_or_default()
    }

    /// True when it names columns, which only rows have.
    pub fn names_columns(&self) -> bool {
        !self.select.is_empty() || !self.order.is_empty()
    }

    /// The select list.
    pub fn columns_sql(&self) -> String {
        if self.select.is_empty() {
            return "*".to_owned();
        }
        let quoted: Vec<_> = self.select.iter().map(|name| quote(name)).collect();
        quoted.join(", ")
    }

    /// The clauses after FROM, for at most `max_rows` rows.
    pub fn tail_sql(&self, max_rows: u64) -> String {
        let order = match self.order.as_slice() {
            [] => String::new(),
            terms => format!("order by {} ", terms.join(", ")),
        };
        let limit = self.limit.unwrap_or(max_rows).min(max_rows);
        let offset = match self.offset {
            Some(offset) => format!(" offset {offset}"),
            None => String::new(),
        };
        format!("{order}limit {limit}{offset}")
    }
}

fn columns(value: &str) -> Result<Vec<String>, RestError> {
    if value == "*" {
        return Ok(Vec::new());
    }
    value
        .split(',')
        .map(|name| column("select", name))
        .collect()
}

fn terms(value: &str) -> Result<Vec<String>, RestError> {
    value.split(',').map(term).collect()
}

/// `column`, `column.desc`, `column.asc.nullslast`.
fn term(text: &str) -> Result<String, RestError> {
    let mut words = text.split('.');
    let mut sql = quote(&column("order", words.next().unwrap_or_default())?);
    for word in words {
        sql.push_str(match word {
            "asc" => " asc",
            "desc" => " desc",
            "nullsfirst" => " nulls first",
            "nullslast" => " nulls last",
            _ => return Err(RestError::NotModelled(format!("order={text}"))),
        });
    }
    Ok(sql)
}

fn column(word: &str, name: &str) -> Result<String, RestError> {
    let is_plain = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain {
        Ok(name.to_owned())
    } else {
        Err(RestError::NotModelled(format!("{word}={name}")))
    }
}

/// PostgREST answers a negative number with 416 and passes over what is none.
fn number(word: &str, value: &str) -> Result<u64, RestError> {
    let number: u32 = value
        .parse()
        .map_err(|_| RestError::NotModelled(format!("{word}={value}")))?;
    Ok(number.into())
}

/// True when PostgREST takes the value of a parameter for a condition on the answer.
fn is_filter(value: &str) -> bool {
    const OPERATORS: &[&str] = &[
        "eq",
        "gte",
        "gt",
        "lte",
        "lt",
        "neq",
        "like",
        "ilike",
        "match",
        "imatch",
        "in",
        "is",
        "isdistinct",
        "fts",
        "plfts",
        "phfts",
        "wfts",
        "cs",
        "cd",
        "ov",
        "sl",
        "sr",
        "nxr",
        "nxl",
        "adj",
    ];
    let word = value.split(['.', '(']).next().unwrap_or_default();
    OPERATORS.contains(&word) || (word == "not" && value.contains('.'))
}

pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(query: &str) -> Result<(Paging, Vec<Pair>), RestError> {
        Paging::split(serde_urlencoded::from_str(query).unwrap())
    }

    #[test]
    fn postgrests_own_words_are_no_arguments() {
        let (paging, arguments) =
            split("session_id=a&limit=5&offset=10&order=seq.desc.nullslast,id&select=seq,id")
                .unwrap();
        assert_eq!(arguments, [("session_id".to_owned(), "a".to_owned())]);
        assert_eq!(paging.columns_sql(), r#""seq", "id""#);
        assert_eq!(
            paging.tail_sql(1000),
            r#"order by "seq" desc nulls last, "id" limit 5 offset 10"#
        );
    }

    #[test]
    fn without_them_nothing_is_shaped() {
        let (paging, arguments) = split("a=1&select=*").unwrap();
        assert!(paging.is_empty());
        assert_eq!(arguments.len(), 1);
        assert_eq!(paging.columns_sql(), "*");
        assert_eq!(paging.tail_sql(1000), "limit 1000");
    }

    #[test]
    fn a_limit_above_the_most_rows_is_cut() {
        let (paging, _) = split("limit=5000").unwrap();
        assert_eq!(paging.tail_sql(1000), "limit 1000");
    }

    #[test]
    fn what_is_not_modelled_is_refused() {
        for query in [
            "and=(a.eq.1)",
            "or=(a.eq.1)",
            "not=1",
            "columns=a",
            "on_conflict=a",
            "seq=gt.5",
            "seq=not.gt.5",
            "seq=in.(1,2)",
            "name=fts(english).cat",
            "messages.limit=5",
            "select=a::text",
            "select=a(b)",
            "select=",
            "order=a.up",
            "order=a->b",
            "limit=-1",
            "limit=ten",
            "offset=",
        ] {
            let refused = split(query);
            assert!(matches!(refused, Err(RestError::NotModelled(_))), "{query}");
        }
        for query in ["seq=5", "text=equal", "text=notable", "text=is it"] {
            assert!(split(query).is_ok(), "{query}");
        }
    }
}
