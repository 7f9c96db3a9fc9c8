#!/usr/bin/env python3
"""Writes the API tables of the local cloud from the service models in the botocore package.

    pip download botocore==1.44.5 --no-deps && python3 extract.py botocore-1.44.5-py3-none-any.whl

`served.json` names the operations whose shapes are wanted, by service; add an operation there and run this
again. Of all other operations only the name is kept, so that they can be told from ones AWS does not have.
"""

import gzip
import json
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).parent

METADATA = ["serviceId", "apiVersion", "protocols", "jsonVersion", "targetPrefix", "signingName",
            "endpointPrefix", "xmlNamespace", "awsQueryCompatible"]
SHAPE = ["type", "required", "enum", "min", "max", "pattern", "flattened", "locationName", "xmlNamespace",
         "timestampFormat", "payload", "document", "eventstream", "error", "exception", "fault", "wrapper"]
REFERENCE = ["shape", "location", "locationName", "queryName", "flattened", "xmlNamespace", "xmlAttribute",
             "timestampFormat", "idempotencyToken", "streaming", "jsonvalue"]
# The root elements of S3's answers: clients other than botocore insist on them, botocore's model lacks them.
ROOTS = {
    "CompleteMultipartUploadOutput": "CompleteMultipartUploadResult",
    "CreateMultipartUploadOutput": "InitiateMultipartUploadResult",
    "DeleteObjectsOutput": "DeleteResult",
    "GetBucketAclOutput": "AccessControlPolicy",
    "GetBucketLifecycleConfigurationOutput": "LifecycleConfiguration",
    "GetBucketLoggingOutput": "BucketLoggingStatus",
    "GetBucketRequestPaymentOutput": "RequestPaymentConfiguration",
    "GetBucketTaggingOutput": "Tagging",
    "GetBucketVersioningOutput": "VersioningConfiguration",
    "GetObjectAclOutput": "AccessControlPolicy",
    "GetObjectAttributesOutput": "GetObjectAttributesResponse",
    "GetObjectTaggingOutput": "Tagging",
    "ListBucketsOutput": "ListAllMyBucketsResult",
    "ListMultipartUploadsOutput": "ListMultipartUploadsResult",
    "ListObjectVersionsOutput": "ListVersionsResult",
    "ListObjectsOutput": "ListBucketResult",
    "ListObjectsV2Output": "ListBucketResult",
    "ListPartsOutput": "ListPartsResult",
}
# A longer enumeration grows with every release of AWS (instance types, regions): refusing by it would be
# wrong within weeks.
LONGEST_ENUM = 60


def kept(source, keys):
    return {key: source[key] for key in keys if key in source}


def reference(source):
    return kept(source, REFERENCE)


def shape(source, root=None):
    table = kept(source, SHAPE) | ({"locationName": root} if root else {})
    if len(table.get("enum", [])) > LONGEST_ENUM:
        del table["enum"]
    if source["type"] == "structure":
        table["members"] = {name: reference(member) for name, member in source["members"].items()}
    for part in ("member", "key", "value"):
        if part in source:
            table[part] = reference(source[part])
    return table


def operation(source):
    table = {"http": kept(source["http"], ["method", "requestUri", "responseCode"])}
    if table["http"] == {"method": "POST", "requestUri": "/"}:
        del table["http"]
    for part in ("input", "output"):
        if part in source:
            table[part] = kept(source[part], ["shape", "resultWrapper", "unwrapped"])
    errors = [error["shape"] for error in source.get("errors", [])]
    return table | ({"errors": errors} if errors else {})


def unserved(model, served):
    """Names; with the request line where that, and no name, is what a request carries."""
    rest = model["metadata"]["protocol"].startswith("rest")
    names = sorted(set(model["operations"]) - set(served))
    return {name: kept(model["operations"][name]["http"], ["method", "requestUri"]) if rest else {}
            for name in names}


def closure(model, operations):
    wanted, found = [], set()
    for source in operations.values():
        wanted += [source[part]["shape"] for part in ("input", "output") if part in source]
        wanted += [error["shape"] for error in source.get("errors", [])]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found.add(name)
        source = model["shapes"][name]
        wanted += [member["shape"] for member in source.get("members", {}).values()]
        wanted += [source[part]["shape"] for part in ("member", "key", "value") if part in source]
    return sorted(found)


def lines(table):
    """A JSON object with one member a line, so that changes can be read."""
    rows = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in table.items()]
    return "{\n" + ",\n".join(rows) + "\n}"


def newest(wheel, service):
    start = f"botocore/data/{service}/"
    return max(name for name in wheel.namelist()
               if name.startswith(start) and "/service-2.json" in name)


def write(wheel, package, service, served):
    name = newest(wheel, service)
    text = wheel.read(name)
    model = json.loads(gzip.decompress(text) if name.endswith(".gz") else text)
    unknown = sorted(set(served) - set(model["operations"]))
    if unknown:
        sys.exit(f"served.json: {service} has no operation {', '.join(unknown)}")
    chosen = {key: model["operations"][key] for key in sorted(served)}
    metadata = kept(model["metadata"], METADATA)
    metadata.setdefault("protocols", [model["metadata"]["protocol"]])
    metadata.setdefault("signingName", metadata["endpointPrefix"])
    if service == "rds":
        # Not in any model: RDS has a validation framework of its own.
        metadata |= {"missingCode": "MissingParameter", "invalidCode": "InvalidParameterValue"}
    roots = ROOTS if service == "s3" else {}
    if service == "s3":
        metadata["xmlNamespace"] = "http://s3.amazonaws.com/doc/2006-03-01/"
        # The one answer whose only member is the root element; Smithy's model says so, this one does not.
        chosen["GetBucketLocation"]["output"]["unwrapped"] = True
    parts = {
        "source": json.dumps(f"{name} of {package}, Apache-2.0 (see NOTICE); reduced by extract.py"),
        "metadata": json.dumps(metadata),
        "unserved": lines(unserved(model, served)),
        "operations": lines({key: operation(value) for key, value in chosen.items()}),
        "shapes": lines({key: shape(model["shapes"][key], roots.get(key)) for key in closure(model, chosen)}),
    }
    body = "{\n" + ",\n".join(f"{json.dumps(key)}: {value}" for key, value in parts.items()) + "\n}\n"
    (HERE / f"{service}.json").write_text(body)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[1])
    package = " ".join(path.name.split("-")[:2])
    with zipfile.ZipFile(path) as wheel:
        for service, served in json.loads((HERE / "served.json").read_text()).items():
            write(wheel, package, service, served)


if __name__ == "__main__":
    main()
