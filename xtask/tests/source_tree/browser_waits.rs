//! Nobody waits in a page for a function that is async: `waitForFunction` takes its promise for a yes at once, so such a wait is
//! none.

use crate::sources;

/// The waits whose function is async.
fn async_waits(text: &str) -> usize {
    let waits = text.split("waitForFunction(").skip(1);
    waits
        .filter(|rest| rest.trim_start().starts_with("async"))
        .count()
}

#[test]
fn no_wait_in_a_page_is_for_a_promise() {
    let mut waits = 0;
    for file in sources::with_extension(&["mjs", "js", "ts", "tsx"]) {
        let text = sources::read(&file).expect("was found");
        waits += text.matches("waitForFunction(").count();
        assert_eq!(async_waits(&text), 0, "{}", file.display());
    }
    assert!(waits >= 3, "{waits}");
}

#[test]
fn wait_for_a_promise_is_found() {
    let text =
        "page.waitForFunction(\n    async () => false)\npage.waitForFunction(() => asyncThing)";
    assert_eq!(async_waits(text), 1);
}
