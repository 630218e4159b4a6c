"""Refuses a built function whose compiled parts need a newer C library than Lambda has. Standard library only.

A C extension compiled here (durable-rules) takes the newest symbols that this machine's C library offers. Lambda's python3.12
runs on Amazon Linux 2023, whose glibc is 2.34 (AWS Lambda Developer Guide, "Lambda runtimes"): a newer symbol would fail
there, at import, on the first event.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LAMBDA_GLIBC = (2, 34)
_SYMBOL_VERSION = re.compile(rb"GLIBC_(\d+)\.(\d+)")


def newest_glibc(library: Path) -> tuple[int, int]:
    """The newest glibc version that a shared object names among its symbol versions; (0, 0) when it names none."""
    return max(((int(major), int(minor)) for major, minor in _SYMBOL_VERSION.findall(library.read_bytes())), default=(0, 0))


def main(folder: Path) -> int:
    late = [(path, newest_glibc(path)) for path in sorted(folder.rglob("*.so*")) if newest_glibc(path) > LAMBDA_GLIBC]
    for path, (major, minor) in late:
        print(f"{path.relative_to(folder)} needs glibc {major}.{minor}; Lambda's python3.12 has 2.34", file=sys.stderr)
    if late:
        print("Build on Debian 12, Amazon Linux 2023 or older, or with: sam build --use-container", file=sys.stderr)
    return 1 if late else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
