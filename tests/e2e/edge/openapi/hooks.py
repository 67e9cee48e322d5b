"""What schemathesis cannot read in the document of the service."""

import schemathesis

# Made by schemathesis, which takes it for a violation. Headers that nobody knows are passed over, as HTTP wants it.
UNKNOWN_HEADER = "x-schemathesis-unknown-property"


@schemathesis.hook
def filter_case(context, case):
    return UNKNOWN_HEADER not in {name.lower() for name in case.headers or {}}


@schemathesis.hook
def map_body(context, body):
    """An integer has no fraction here, not even an empty one; JSON Schema calls 40.0 an integer."""
    return written_whole(body)


def written_whole(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [written_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: written_whole(member) for name, member in value.items()}
    return value
