//! Tests of the repeatable migration's text.

use super::*;

fn file(path: &str, text: &str) -> SqlFile {
    SqlFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

const FUNCTION: &str = "-- Adds.\ncreate function s.f(a integer default 1) returns integer\nlanguage sql\nas 'select 1;';\ncomment on function s.f is 'It''s; f.';\n";

#[test]
fn functions_are_replaced_and_keep_their_text() {
    let text = write([&file("sql/private/f.sql", FUNCTION)]).expect("is repeatable");
    let replaced = FUNCTION
        .replace("create function", "create or replace function")
        .replace(
            "comment on function s.f is",
            "comment on function s.f(a integer) is",
        );
    assert!(
        text.ends_with(&format!("\n-- sql/private/f.sql\n\n{replaced}{END}")),
        "{text}"
    );
    assert!(
        text.contains("(0, 'function', 's.f(a integer)', 'returns integer defaults 1')"),
        "{text}"
    );
}

#[test]
fn a_body_of_another_form_than_its_declaration_is_refused() {
    let body = FUNCTION.replace("create function", "create or replace function");
    let declared = file("sql/private/f.sql", FUNCTION);
    let same = file("sql/api/f.sql", &body);
    assert!(write([&declared, &same]).is_ok());
    let other = file(
        "sql/api/f.sql",
        &body.replace("returns integer", "returns text"),
    );
    let refusal = write([&declared, &other]).expect_err("two forms");
    assert!(format!("{refusal:#}").contains("made twice"), "{refusal:#}");
}

#[test]
fn views_change_their_form_with_those_before_them() {
    let form = |first: &str| {
        let first = file("a.sql", &format!("create view s.a as {first};\n"));
        let second = file("b.sql", "create view s.b as select a from s.a;\n");
        let text = write([&first, &second]).expect("is repeatable");
        let row = text.lines().find(|line| line.contains("'s.b'"));
        row.expect("is listed").to_owned()
    };
    assert_eq!(form("select 1 as a"), form("select 1 as a"));
    assert_ne!(form("select 1 as a"), form("select 2 as a"));
}

#[test]
fn comments_change_no_form_and_the_functions_that_are_named_do() {
    let form = |function: &str, comment: &str| {
        let policy = format!(
            "{comment}create policy p on s.t\nfor select to a using (s.f({comment} 1));\n\
             create view s.v as select s.f(1) as f;\ncreate policy q on s.t for select to a using (true);\n"
        );
        // The function may stand behind it.
        let function = format!("create function {function} returns integer language sql as '';\n");
        let text = write([&file("a.sql", &policy), &file("b.sql", &function)]);
        let text = text.expect("is repeatable");
        let row = |name: &str| {
            text.lines()
                .find(|line| line.contains(name))
                .map(str::to_owned)
        };
        ["'p on s.t'", "'s.v'", "'q on s.t'"].map(|name| row(name).expect("is listed"))
    };
    let one = form("s.f(a integer)", "");
    assert_eq!(one, form("s.f(a integer)", "-- a comment\n"));
    let other = form("s.f(a integer, b integer default 2)", "");
    assert_ne!(one[0], other[0]);
    assert_ne!(one[1], other[1]);
    assert_eq!(one[2], other[2]);
    // Another function, whose name only begins or ends alike.
    let [policy, ..] = form("s.f_more(a integer)", "");
    let [same, ..] = form("s.f_more(b integer)", "");
    assert_eq!(policy, same);
}

#[test]
fn tables_are_refused_by_the_name_of_their_file() {
    let table = file("sql/private/t.sql", "create table s.t (id uuid);\n");
    let refusal = format!("{:#}", write([&table]).expect_err("is no code"));
    assert!(refusal.contains("sql/private/t.sql"), "{refusal}");
}

/// A trigger or a policy may name a view, which Postgres then does not drop.
#[test]
fn views_are_dropped_after_what_may_name_them() {
    let place = |kind: &str| {
        let order = DROP.split("array_position('{").nth(1);
        let kinds = order.and_then(|rest| rest.split('}').next());
        let mut kinds = kinds.expect("an order of kinds").split(',');
        kinds.position(|each| each == kind)
    };
    let view = place(Kind::View.as_str()).expect("has a place");
    for before in [Kind::Trigger, Kind::Policy] {
        assert!(place(before.as_str()).expect("has a place") < view);
    }
}
