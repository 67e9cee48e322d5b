//! `contract/types.json`: the composite types of schema `stream` as JSON Schema, but for the payloads of events.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::annotations::Annotated;
use super::catalogue::{Catalogue, Composite, Field};

pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The composites, as the JSON that PostgREST makes of them.
#[derive(Debug, Serialize)]
pub struct Types {
    #[serde(rename = "$schema")]
    dialect: &'static str,
    #[serde(rename = "$defs")]
    pub composites: BTreeMap<String, ObjectSchema>,
}

/// Members that are not named are allowed unless it says otherwise: a newer server has more of them.
#[derive(Debug, Serialize)]
pub struct ObjectSchema {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(
        rename = "additionalProperties",
        skip_serializing_if = "Option::is_none"
    )]
    pub additional_properties: Option<bool>,
    pub required: Vec<String>,
    pub properties: BTreeMap<String, Schema>,
}

/// The schema of one value.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Schema {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<TypeNames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    values: Vec<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Box<Schema>>,
    #[serde(rename = "minItems", skip_serializing_if = "Option::is_none")]
    min_items: Option<u32>,
    #[serde(rename = "maxItems", skip_serializing_if = "Option::is_none")]
    max_items: Option<u32>,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "anyOf", skip_serializing_if = "Vec::is_empty")]
    any_of: Vec<Schema>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum TypeNames {
    One(&'static str),
    OrNull([&'static str; 2]),
}

impl ObjectSchema {
    /// The composites that its members hold.
    pub fn composites(&self) -> impl Iterator<Item = &str> {
        self.properties.values().filter_map(Schema::composite)
    }
}

impl Types {
    pub fn of(catalogue: &Catalogue) -> Result<Self> {
        let mut composites = BTreeMap::new();
        let answers = catalogue.composites.iter();
        for composite in answers.filter(|composite| !composite.is_payload()) {
            let schema = object(catalogue, composite)
                .with_context(|| format!("the comments of type stream.{}", composite.name))?;
            composites.insert(composite.name.clone(), schema);
        }
        Ok(Self {
            dialect: DIALECT,
            composites,
        })
    }

    pub fn write(&self) -> Result<String> {
        super::json::pretty(self)
    }
}

/// The schema of one composite's JSON.
pub fn object(catalogue: &Catalogue, composite: &Composite) -> Result<ObjectSchema> {
    let comment = composite.annotated();
    comment.expect(&["topic", "event"])?;
    let mut properties = BTreeMap::new();
    for field in &composite.fields {
        let schema =
            property(catalogue, field).with_context(|| format!("the field {}", field.name))?;
        properties.insert(field.name.clone(), schema);
    }
    Ok(ObjectSchema {
        description: comment.description,
        kind: "object",
        additional_properties: None,
        required: composite
            .fields
            .iter()
            .map(|field| field.name.clone())
            .collect(),
        properties,
    })
}

fn property(catalogue: &Catalogue, field: &Field) -> Result<Schema> {
    let comment = Annotated::parse(field.comment.as_deref().unwrap_or_default());
    comment.expect(&["null", "json", "enum"])?;
    let is_json = ["json", "jsonb"].contains(&field.type_name.as_str());
    let schema = match comment.get("json") {
        None if is_json => bail!("it is {} and has no @json", field.type_name),
        Some(_) if !is_json => bail!("@json says nothing of {}", field.type_name),
        Some("object") => Schema::of("object", None),
        Some("pairs") => {
            let pair = Schema {
                min_items: Some(2),
                max_items: Some(2),
                ..Schema::list(Schema::of("integer", None))
            };
            Schema::list(pair)
        }
        Some(type_name) => of_type(catalogue, type_name)?,
        None => of_type(catalogue, &field.type_name)?,
    };
    let mut schema = if comment.has("null") {
        schema.or_null()
    } else {
        schema
    };
    if comment.has("enum") {
        if field.type_name != "text" {
            bail!("@enum says nothing of {}", field.type_name);
        }
        schema.values = comment.list("enum").into_iter().map(Some).collect();
        schema.values.extend(comment.has("null").then_some(None));
    }
    Ok(Schema {
        description: comment.description,
        ..schema
    })
}

fn of_type(catalogue: &Catalogue, type_name: &str) -> Result<Schema> {
    if let Some(element) = type_name.strip_suffix("[]") {
        return Ok(Schema::list(of_type(catalogue, element)?));
    }
    if let Some(composite) = catalogue.composite(type_name) {
        return Ok(Schema {
            reference: Some(format!("#/$defs/{}", composite.name)),
            ..Schema::default()
        });
    }
    Ok(match type_name {
        "text" | "interval" => Schema::of("string", None),
        "uuid" => Schema::of("string", Some("uuid")),
        "timestamp with time zone" => Schema::of("string", Some("date-time")),
        "integer" | "bigint" => Schema::of("integer", None),
        "double precision" => Schema::of("number", None),
        "boolean" => Schema::of("boolean", None),
        other => bail!("{other} has no form in JSON here"),
    })
}

impl Schema {
    /// The composite that it is, or a list of which it is.
    fn composite(&self) -> Option<&str> {
        let reference = self.reference.as_deref();
        reference
            .and_then(|path| path.strip_prefix("#/$defs/"))
            .or_else(|| self.items.as_deref()?.composite())
            .or_else(|| self.any_of.iter().find_map(Self::composite))
    }

    fn of(kind: &'static str, format: Option<&'static str>) -> Self {
        Self {
            kind: Some(TypeNames::One(kind)),
            format,
            ..Self::default()
        }
    }

    fn list(items: Self) -> Self {
        Self {
            items: Some(Box::new(items)),
            ..Self::of("array", None)
        }
    }

    fn or_null(self) -> Self {
        match self.kind {
            Some(TypeNames::One(kind)) => Self {
                kind: Some(TypeNames::OrNull([kind, "null"])),
                ..self
            },
            _ => Self {
                any_of: vec![self, Self::of("null", None)],
                ..Self::default()
            },
        }
    }
}
