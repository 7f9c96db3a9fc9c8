#!/usr/bin/env python3
"""Writes handlers.json, what CloudFormation's handlers may call, from the resource schemas in the cfn-lint package.

    pip download cfn-lint==1.58.0 --no-deps && python3 extract_handlers.py cfn_lint-1.58.0-py3-none-any.whl

Of each type of us-east-1 and eu-central-1 (those that the local cloud has the schema of) the permissions of its
handlers, by handler, sorted. Left out are the types whose schema lists none: CloudFormation makes these by itself, as it
did before there was a registry of types. The same package gives the same bytes. One line a type, so that a reader can
parse the one it needs.
"""

import json
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).parent
SCHEMAS = "cfnlint/data/schemas/"
REGIONS = ["us-east-1", "eu-central-1"]


def permissions(schema):
    """By handler: what its list has, without empty texts, of which one type has one."""
    handlers = schema.get("handlers", {})
    listed = {name: sorted(set(one.get("permissions", [])) - {""}) for name, one in sorted(handlers.items())}
    return {name: actions for name, actions in listed.items() if actions}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    wheel = zipfile.ZipFile(sys.argv[1])
    index = {}
    for region in reversed(REGIONS):
        index.update(json.loads(wheel.read(f"{SCHEMAS}providers/{region}.json")))
    rows = []
    for name in sorted(index):
        table = permissions(json.loads(wheel.read(f"{SCHEMAS}resources/{index[name]}.json")))
        if table:
            rows.append(f"{json.dumps(name)}: {json.dumps(table, separators=(',', ':'))}")
    source = ("resource schemas published by AWS CloudFormation, as bundled in cfn-lint 1.58.0 (MIT-0, see NOTICE); "
              "reduced by extract_handlers.py")
    text = f'{{\n"source": {json.dumps(source)},\n"types": {{\n' + ",\n".join(rows) + "\n}\n}\n"
    json.loads(text)
    (HERE / "handlers.json").write_text(text)


if __name__ == "__main__":
    main()
