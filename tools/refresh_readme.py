"""Write what `backlit demo --act 1` prints into README.md, between its two markers.

.venv/bin/python tools/refresh_readme.py
"""

import os
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- demo: tools/refresh_readme.py writes this block -->\n", "<!-- /demo -->\n"


def main() -> None:
    command = [sys.executable, "-m", "backlit", "demo", "--act", "1"]
    environment = os.environ | {"PYTHONUTF8": "1"}
    output = subprocess.run(command, env=environment, capture_output=True, check=True, encoding="utf-8").stdout
    before, rest = README.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    README.write_text(f"{before}{START}```\n{output.rstrip()}\n```\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
