"""Install backlit, editable, into the environment that runs this; each argument names an extra.

The build's own tools are installed beside it, so that a later call compiles only what has changed.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def main() -> int:
    os.chdir(Path(__file__).parent.parent)
    extras = ",".join(sys.argv[1:])
    if "dev" in extras and shutil.which(
        os.environ.get("CXX", "c++")
    ):  # an error in the C++ must not pass for a lack of C++
        os.environ.setdefault("BACKLIT_REQUIRE_ENGINE", "1")
    subprocess.check_call(PIP + tomllib.loads(Path("pyproject.toml").read_text())["build-system"]["requires"])
    ask = "import backlit_build, json; print(json.dumps(backlit_build.get_requires_for_build_editable()))"
    asked = subprocess.check_output([sys.executable, "-c", ask], env=os.environ | {"PYTHONPATH": "tools/backend"})
    if needed := json.loads(asked):
        subprocess.check_call(PIP + needed)
    subprocess.check_call([*PIP, "--no-build-isolation", "-e", f".[{extras}]" if extras else "."])
    if not Path("src/backlit/studio/page/index.html").is_file():
        print("Set up without the studio's page: everything else works. This makes it, or says why it cannot:")
        print(f"{sys.executable} tools/backend/backlit_page.py")
    look = "from importlib.util import find_spec; print(find_spec('backlit.engines._native') is not None)"
    if subprocess.check_output([sys.executable, "-c", look], text=True).strip() == "True":
        return subprocess.call([sys.executable, "-c", "import backlit.engines._native"])
    print("Set up without the fast engine: everything works, in Python alone. For the engine: GCC 12 or Clang 14,")
    print("or newer, and Python's own headers (Debian, Ubuntu: apt install g++ python3-dev), then  make clean demo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
