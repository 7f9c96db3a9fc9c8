#!/usr/bin/env python3
"""Writes uplot/ from the package in the npm registry.

    npm pack uplot@1.6.32 && python3 vendor.py uplot-1.6.32.tgz

The package must have the integrity that the registry tells of it (`npm view uplot@1.6.32 dist.integrity`). Kept: what
a browser loads, and the licence. PROVENANCE.json says where each file is from, and its SHA-256.
"""

import base64
import hashlib
import json
import pathlib
import sys
import tarfile

HERE = pathlib.Path(__file__).parent / "uplot"

INTEGRITY = "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw=="
FILES = ["dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"]


def main(package):
    content = pathlib.Path(package).read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if integrity != INTEGRITY:
        sys.exit(f"{package} has integrity {integrity}, not {INTEGRITY}")
    files = {}
    with tarfile.open(package) as archive:
        about = json.load(archive.extractfile("package/package.json"))
        for name in FILES:
            text = archive.extractfile("package/" + name).read()
            own = pathlib.Path(name).name
            (HERE / own).write_bytes(text)
            files[own] = hashlib.sha256(text).hexdigest()
    provenance = {
        "package": f"https://registry.npmjs.org/uplot/-/uplot-{about['version']}.tgz",
        "version": about["version"],
        "license": about["license"],
        "integrity": INTEGRITY,
        "sha256": files,
    }
    (HERE / "PROVENANCE.json").write_text(json.dumps(provenance, indent=2) + "\n")


main(*sys.argv[1:])
