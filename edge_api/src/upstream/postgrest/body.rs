//! The arguments of a call as the JSON object that PostgREST reads.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::contract::Argument;
use crate::upstream::Call;

/// Every argument by its name; those that were left out with their defaults, as over SQL.
pub(super) fn of(call: &Call) -> String {
    // Texts, numbers and JSON that was read before cannot fail to serialise.
    serde_json::to_string(&Arguments(call)).unwrap_or_default()
}

struct Arguments<'a>(&'a Call);

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Call {
            operation,
            arguments,
            ..
        } = self.0;
        let mut map = serializer.serialize_map(Some(arguments.len()))?;
        for (parameter, argument) in operation.parameters.iter().zip(arguments) {
            map.serialize_entry(parameter.name, &Value(argument))?;
        }
        map.end()
    }
}

struct Value<'a>(&'a Argument);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Argument::Null => serializer.serialize_unit(),
            Argument::Uuid(id) => id.serialize(serializer),
            Argument::Uuids(ids) => ids.serialize(serializer),
            Argument::Text(text) => text.serialize(serializer),
            Argument::Texts(texts) => texts.serialize(serializer),
            Argument::Integer(number) => number.serialize(serializer),
            Argument::Bigint(number) => number.serialize(serializer),
            Argument::Double(number) => number.serialize(serializer),
            Argument::Boolean(truth) => truth.serialize(serializer),
            Argument::Timestamptz(time) => serializer.collect_str(time),
            // In the words of its author: no digit and no key is lost.
            Argument::Json(json) => serde_json::from_str::<&RawValue>(json.as_str())
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
        }
    }
}
