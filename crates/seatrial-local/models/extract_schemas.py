#!/usr/bin/env python3
"""Writes resource-schemas.json from the resource schemas in the cfn-lint package.

    pip download cfn-lint==1.58.0 --no-deps && python3 extract_schemas.py cfn_lint-1.58.0-py3-none-any.whl

(or the folder of an installed cfnlint instead of the wheel). Kept for each type of us-east-1 and eu-central-1: the
schema of its properties with all that is below them, but only the keywords that validation and coercion read (KEPT);
which properties are required, create-only, read-only; its primary identifier; whether the stack's tags reach it; whether
it cannot be read.
One line a type, so that a reader can parse the one type it needs.
"""

import json
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).parent
SCHEMAS = "data/schemas/"
REGIONS = ["us-east-1", "eu-central-1"]

# What a schema is read for; all else is documentation, or what only cfn-lint knows of: its requiredXor, for one, says
# what services refuse, each in its own words.
KEPT = """
type properties patternProperties additionalProperties items required enum enumCaseInsensitive const pattern
minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum minItems maxItems uniqueItems
oneOf anyOf allOf $ref
""".split()
# Their values map names that are the type's own to schemas.
NAMED = ["properties", "patternProperties"]


def reduced(schema):
    """The schema with the keywords of KEPT alone."""
    if isinstance(schema, list):
        return [reduced(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key in KEPT:
        value = schema.get(key)
        if value is None or value is False and key != "additionalProperties" or value == []:
            continue
        if key in NAMED:
            value = {name: reduced(below) for name, below in sorted(value.items())}
        elif key == "$ref":
            value = value.rsplit("/", 1)[-1]
        elif key in ("items", "oneOf", "anyOf", "allOf"):
            value = reduced(value)
            # An alternative of which nothing is kept allows everything.
            if key in ("oneOf", "anyOf") and {} in value:
                continue
        kept[key] = value
    # Closed is what almost every object is: only the open ones say so.
    if kept.get("additionalProperties") is False:
        del kept["additionalProperties"]
        kept.setdefault("properties", {}) if "patternProperties" not in kept else None
    elif "properties" in kept:
        kept["additionalProperties"] = True
    return kept


def paths(schema, key):
    return [path.removeprefix("/properties/").replace("/properties/", "/") for path in schema.get(key, [])]


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for below in value.values():
            yield from references(below)
    elif isinstance(value, list):
        for below in value:
            yield from references(below)


def used(root, definitions):
    """The definitions that the properties reach."""
    found, left = {}, list(references(root))
    while left:
        name = left.pop()
        if name not in found and name in definitions:
            found[name] = definitions[name]
            left.extend(references(definitions[name]))
    return dict(sorted(found.items()))


def table(schema):
    tagging = schema.get("tagging", {})
    root = reduced({**schema, "additionalProperties": False})
    definitions = {name: reduced(value) for name, value in schema.get("definitions", {}).items()}
    row = {
        **root,
        "definitions": used(root, definitions),
        "createOnly": paths(schema, "createOnlyProperties"),
        "conditionalCreateOnly": paths(schema, "conditionalCreateOnlyProperties"),
        "readOnly": paths(schema, "readOnlyProperties"),
        "identifier": paths(schema, "primaryIdentifier"),
        # Without a read handler AWS neither imports it nor detects its drift.
        "unreadable": "read" not in schema.get("handlers", {}),
        "taggable": tagging.get("taggable", schema.get("taggable", True)) and tagging.get("tagUpdatable", True),
    }
    return {key: value for key, value in row.items() if value not in ([], {}, False)}


def sources(path):
    """Reads a file of the package, by its name below cfnlint/."""
    if path.is_dir():
        return lambda name: (path / name).read_text()
    wheel = zipfile.ZipFile(path)
    return lambda name: wheel.read(f"cfnlint/{name}").decode()


def main():
    read = sources(pathlib.Path(sys.argv[1]))
    index = {}
    for region in reversed(REGIONS):
        index.update(json.loads(read(f"{SCHEMAS}providers/{region}.json")))
    rows = {}
    for name in sorted(index):
        schema = json.loads(read(f"{SCHEMAS}resources/{index[name]}.json"))
        rows[name] = json.dumps(table(schema), separators=(",", ":"), ensure_ascii=False)
    source = ("resource schemas published by AWS CloudFormation, as bundled in cfn-lint 1.58.0 (MIT-0, copyright "
              "Amazon.com, Inc. or its affiliates); reduced by extract_schemas.py")
    lines = ",\n".join(f'"{name}": {row}' for name, row in rows.items())
    text = f'{{\n"source": {json.dumps(source)},\n"types": {{\n{lines}\n}}\n}}\n'
    json.loads(text)
    (HERE / "resource-schemas.json").write_text(text)


if __name__ == "__main__":
    main()
