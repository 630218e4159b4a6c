"""Says which system packages are missing before set-up fails for want of them. Runs on a bare Python: standard library only.

durable-rules comes as C source: it needs a C compiler and the headers of the very Python that compiles it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import sys
import sysconfig


def missing() -> list[tuple[str, str, str]]:
    """What is missing: (what it is, Debian's package, Fedora's package)."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = []
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None and shutil.which("cc") is None and shutil.which("gcc") is None:
        found.append(("a C compiler", "gcc libc6-dev", "gcc"))
    if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
        found.append((f"the headers of Python {version}", f"python{version}-dev", f"python{version}-devel"))
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        found.append((f"the venv module of Python {version}", f"python{version}-venv", f"python{version}"))
    return found


def main() -> int:
    if not (3, 11) <= sys.version_info[:2] < (3, 13):
        print(f"{sys.executable} is Python {platform.python_version()}; Ostiary needs 3.11 or 3.12, as durable-rules does", file=sys.stderr)
        return 1
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print(f"note: this is {platform.system()} on {platform.machine()}; requirements are locked for Linux on x86_64", file=sys.stderr)
    lacking = missing()
    for what, _, _ in lacking:
        print(f"missing: {what}", file=sys.stderr)
    if lacking:
        print(f"Debian, Ubuntu:  apt-get install {' '.join(debian for _, debian, _ in lacking)}", file=sys.stderr)
        print(f"Fedora:          dnf install {' '.join(fedora for _, _, fedora in lacking)}", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    raise SystemExit(main())
