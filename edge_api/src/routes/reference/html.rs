//! The reference page: the OpenAPI document as HTML, complete before any script runs.

use std::fmt::Write;

use serde_json::Value;

use super::words::{escaped, inline, paragraphs, phrase, text};

/// The whole page.
pub fn page(document: &Value) -> String {
    let info = &document["info"];
    let mut html = String::with_capacity(256 * 1024);
    let _ = write!(
        html,
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} {version}</title>
<link rel="stylesheet" href="/docs/page.css">
<script src="/docs/page.js" defer></script>
</head>
<body>
<a class="skip" href="#operations">To the operations</a>
<header>
<h1>{title} <small>contract {version}</small></h1>
{description}
<p><a href="/openapi.json">openapi.json</a> · <a href="/v1/errors">errors</a></p>
<p class="filter" hidden><label for="filter">Filter</label> <input id="filter" type="search" autocomplete="off"> <output for="filter"></output></p>
</header>
<main id="operations">
"##,
        title = text(&info["title"]),
        version = text(&info["version"]),
        description = paragraphs(&info["description"]),
    );
    for tag in list(&document["tags"]) {
        section(&mut html, document, tag);
    }
    html.push_str("<section id=\"types\"><h2>Types</h2>\n");
    for (name, schema) in members(&document["components"]["schemas"]) {
        composite(&mut html, name, schema);
    }
    html.push_str("</section>\n</main>\n</body>\n</html>\n");
    html
}

fn section(html: &mut String, document: &Value, tag: &Value) {
    let name = tag["name"].as_str().unwrap_or_default();
    let _ = writeln!(
        html,
        "<section id=\"{id}\"><h2>{id}</h2>{description}",
        id = escaped(name),
        description = paragraphs(&tag["description"]),
    );
    for (path, item) in members(&document["paths"]) {
        for (method, described) in members(item) {
            if list(&described["tags"]).any(|tag| tag == name) {
                operation(html, document, path, method, described);
            }
        }
    }
    html.push_str("</section>\n");
}

fn operation(html: &mut String, document: &Value, path: &str, method: &str, described: &Value) {
    let _ = write!(
        html,
        "<details class=\"operation\" id=\"{id}\"><summary><b class=\"{method}\">{method}</b> \
         <code>{path}</code> <span>{summary}</span></summary>\n<p><a href=\"#{id}\"><code>{id}</code></a>{callers}</p>{description}\n",
        id = text(&described["operationId"]),
        method = escaped(method),
        path = escaped(path),
        summary = text(&described["summary"]),
        callers = callers(&described["security"]),
        description = paragraphs(&described["description"]),
    );
    let parameters: Vec<_> = list(&described["parameters"])
        .map(|parameter| resolved(document, parameter))
        .collect();
    if !parameters.is_empty() {
        html.push_str("<h3>Parameters</h3>");
        table(html, &["name", "in", "values", ""], |html| {
            for parameter in parameters {
                let place = text(&parameter["in"]);
                let is_required = parameter["required"] == true;
                argument(
                    html,
                    &text(&parameter["name"]),
                    Some(&place),
                    &parameter["schema"],
                    &parameter["description"],
                    is_required,
                );
            }
        });
    }
    let body = &described["requestBody"];
    if !body.is_null() {
        html.push_str("<h3>Body</h3>");
        html.push_str(&paragraphs(&body["description"]));
        schema_table(html, &body["content"]["application/json"]["schema"]);
    }
    html.push_str("<h3>Answers</h3>");
    table(html, &["status", "", "content"], |html| {
        for (status, response) in members(&described["responses"]) {
            answer(html, status, resolved(document, response));
        }
    });
    for (_, response) in members(&described["responses"]) {
        for (_, media) in members(&response["content"]) {
            if let Some(example) = media.get("example") {
                let example = serde_json::to_string_pretty(example).unwrap_or_default();
                let _ = write!(
                    html,
                    "<details><summary>Example of an answer</summary><pre tabindex=\"0\">{}</pre></details>",
                    escaped(&example)
                );
            }
        }
    }
    html.push_str("</details>\n");
}

fn callers(security: &Value) -> String {
    let roles: Vec<String> = list(security)
        .flat_map(members)
        .map(|(scheme, roles)| {
            let roles: Vec<String> = list(roles).map(text).collect();
            if roles.is_empty() {
                escaped(scheme)
            } else {
                roles.join(" ")
            }
        })
        .collect();
    if roles.is_empty() {
        return " · for everybody".to_owned();
    }
    format!(" · for {}", roles.join(", "))
}

fn answer(html: &mut String, status: &str, response: &Value) {
    let content: Vec<String> = members(&response["content"])
        .map(|(media_type, media)| {
            // A refusal is its codes; they stand in the description.
            let schema = media["schema"]
                .get("allOf")
                .map_or(&media["schema"], |all| &all[0]);
            format!("{} <code>{}</code>", phrase(schema), escaped(media_type))
        })
        .collect();
    let description = response["description"].as_str().unwrap_or_default();
    let _ = write!(
        html,
        "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
        escaped(status),
        inline(description),
        content.join(", ")
    );
}

fn composite(html: &mut String, name: &str, schema: &Value) {
    let name = escaped(name);
    let _ = write!(
        html,
        "<details class=\"type\" id=\"type-{name}\"><summary><code>{name}</code></summary>{}",
        paragraphs(&schema["description"])
    );
    schema_table(html, schema);
    html.push_str("</details>\n");
}

/// The members of an object, each in a row; of anything else, what it is.
fn schema_table(html: &mut String, schema: &Value) {
    if schema["properties"]
        .as_object()
        .is_none_or(|properties| properties.is_empty())
    {
        let items = &schema["items"];
        let _ = write!(html, "<p>{}</p>", phrase(schema));
        if items.get("properties").is_some() {
            schema_table(html, items);
        }
        return;
    }
    table(html, &["member", "values", ""], |html| {
        for (name, member) in members(&schema["properties"]) {
            let is_required = list(&schema["required"]).any(|required| required == name);
            argument(
                html,
                &escaped(name),
                None,
                member,
                &member["description"],
                is_required,
            );
        }
    });
}

fn argument(
    html: &mut String,
    name: &str,
    place: Option<&str>,
    schema: &Value,
    description: &Value,
    is_required: bool,
) {
    let mark = if is_required {
        ""
    } else {
        " <small>optional</small>"
    };
    let place = place
        .map(|place| format!("<td>{place}</td>"))
        .unwrap_or_default();
    let default = schema
        .get("default")
        .map(|default| format!("; left out: {}", escaped(&default.to_string())));
    let _ = write!(
        html,
        "<tr><td><code>{name}</code>{mark}</td>{place}<td>{}{}</td><td>{}</td></tr>",
        phrase(schema),
        default.unwrap_or_default(),
        inline(description.as_str().unwrap_or_default())
    );
}

fn table(html: &mut String, columns: &[&str], rows: impl FnOnce(&mut String)) {
    html.push_str("<div class=\"table\" tabindex=\"0\"><table><tr>");
    for column in columns {
        let _ = write!(html, "<th>{column}</th>");
    }
    html.push_str("</tr>");
    rows(html);
    html.push_str("</table></div>\n");
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    target
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, member)| (name.as_str(), member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_of_the_document_stay_words() {
        let markup = "<script>alert(1)</script>\"&";
        let document = json!({
            "info": {"title": markup, "version": markup, "description": markup},
            "tags": [{"name": markup, "description": markup}],
            "paths": {markup: {markup: {
                "operationId": markup, "summary": markup, "description": markup, "tags": [markup],
                "security": [{markup: [markup]}],
                "parameters": [{"name": markup, "in": markup, "schema": {"enum": [markup], "default": markup}, "description": markup}],
                "requestBody": {"description": markup, "content": {"application/json": {"schema": {"properties": {markup: {"type": markup, "format": markup}}}}}},
                "responses": {markup: {"description": markup, "content": {markup: {"schema": {"$ref": markup}, "example": markup}}}},
            }}},
            "components": {"schemas": {markup: {"description": markup}}},
        });
        let page = page(&document);
        assert_eq!(page.matches("<script").count(), 1, "the page's own alone");
        assert!(!page.contains("\"&\""), "{page}");
        assert!(page.matches("&lt;script&gt;").count() > 15);
    }
}
