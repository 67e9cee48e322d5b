//! Every UPDATE and DELETE has a WHERE of its own: Supabase's login role for calls loads pg-safeupdate, which refuses others in the
//! bodies of functions too.

use crate::sources;

/// The statements that change or delete every row: each up to its end.
fn without_where(sql: &str) -> Vec<String> {
    let code: Vec<&str> = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let beginnings = code.match_indices("update ").filter(|(at, _)| {
        let statement = &code[*at..];
        let words: Vec<&str> = statement.split_whitespace().take(6).collect();
        // Neither a lock, a trigger nor the end of an INSERT.
        words.get(1).is_some_and(|table| table.contains('.')) && words.contains(&"set")
    });
    let deletions = code.match_indices("delete from ");
    let statements = beginnings.chain(deletions);
    statements
        .map(|(at, _)| own_part(&code[at..]))
        .filter(|statement| !statement.split_whitespace().any(|word| word == "where"))
        .collect()
}

/// A statement without what stands in its parentheses, up to its end.
fn own_part(code: &str) -> String {
    let (mut depth, mut is_text) = (0, false);
    let mut own = String::new();
    for character in code.chars() {
        match character {
            '\'' => is_text = !is_text,
            _ if is_text => {}
            '(' => depth += 1,
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            ';' if depth == 0 => break,
            _ if depth == 0 => own.push(character),
            _ => {}
        }
    }
    own
}

#[test]
fn every_update_and_delete_has_a_where_of_its_own() {
    let mut found = Vec::new();
    let mut count = 0;
    for file in sources::with_extension(&["sql"]) {
        if !file.starts_with("sql") {
            continue;
        }
        let text = sources::read(&file).expect("was found");
        count += text.matches(" set ").count();
        let statements = without_where(&text);
        found.extend(
            statements
                .iter()
                .map(|one| format!("{}: {one}", file.display())),
        );
    }
    assert!(count > 50);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_where_of_a_subquery_or_a_comment_is_not_one() {
    for (sql, count) in [
        ("update stream.config set a = 1 where id;", 0),
        ("update stream.config as c set a = 1;", 1),
        (
            "update stream.config set a = (select b from c where d); -- where",
            1,
        ),
        (
            "with x as (delete from stream.config returning a) select from x where true;",
            1,
        ),
        (
            "delete from stream.config as c using d where c.id = d.id;",
            0,
        ),
        ("delete from stream.config;", 1),
        (
            "insert into a values (1) on conflict do update set b = 2;",
            0,
        ),
        ("select from a for no key update of a;", 0),
    ] {
        assert_eq!(without_where(sql).len(), count, "{sql}");
    }
}
