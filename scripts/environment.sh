#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Create .venv with the project, its test tools and, on Python 3.8 to 3.12, Scipion.
# usage: scripts/environment.sh [--with-relion | --with-forms]
# As root on Debian or Ubuntu, missing system packages are installed; with --with-relion, RELION too.
# With --with-forms, create .venv-forms with the project, CCP-EM Pipeliner and himena-relion instead (Python 3.10 and
# later): their requirements are not those of Scipion.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }

apt_install() {
    say "Installing with apt-get: $*"
    log=$(mktemp)
    if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; } >"$log" 2>&1; then
        cat "$log" >&2
        exit 1
    fi
    rm -f "$log"
}

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# Find $PYTHON, or the first of python3, python3.12, ... python3.8 that is Python 3.8 to 3.12, which Scipion needs.
# If there is none, take $PYTHON or python3 of any version, without Scipion.
find_python() {
    for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10 python3.9 python3.8}; do
        # A python of an environment, such as .venv with its bin folder on the PATH, stands for the python it was made with.
        candidate=$("$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null) || continue
        if "$candidate" -c 'import sys; sys.exit(not (3, 8) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    command -v "${PYTHON:-python3}" || { say "No python3 found; install it first" >&2; exit 1; }
}

python=$(find_python)
name="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
missing=
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$name-venv"
# Scipion needs Tk even when it runs without a window. Debian packages Tk for its own python3 only.
"$python" -c 'import tkinter' 2>/dev/null || missing="$missing python3-tk"
if [ -n "$missing" ]; then
    can_apt || { say "$python needs more system packages: sudo apt-get install $missing" >&2; exit 1; }
    # shellcheck disable=SC2086
    apt_install $missing
fi
if [ "${1:-}" = --with-relion ] && ! command -v relion_pipeliner >/dev/null; then
    if can_apt; then
        say "The RELION tests need RELION."
        apt_install relion
    else
        say "RELION is not installed, so its tests will be skipped. To run them, install RELION:" \
            "sudo apt-get install relion"
    fi
fi

if [ "${1:-}" = --with-forms ]; then
    if [ ! -e .venv-forms/installed ]; then
        say "Creating .venv-forms with CCP-EM Pipeliner and himena-relion; this takes about a minute ..."
        rm -rf .venv-forms
        "$python" -m venv .venv-forms
        .venv-forms/bin/python -m pip install --quiet --quiet --disable-pip-version-check --editable . \
            ccpem-pipeliner himena-relion PyQt6
        touch .venv-forms/installed
    fi
    exit
fi

stamp=.venv/installed
if [ "$(cat "$stamp" 2>/dev/null)" != "$python" ] || [ setup.py -nt "$stamp" ]; then
    extras=scipion,test
    if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] > (3, 12))'; then
        extras=test
        say "$("$python" --version) is too new for Scipion (3.8 to 3.12), so Scipion is left out." \
            "To include it, choose another Python, for example PYTHON=python3.12."
    fi
    say "Creating .venv with $("$python" --version); this takes about a minute ..."
    rm -rf .venv
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --editable ".[$extras]"
    printf '%s\n' "$python" >"$stamp"
fi

# Scipion's plugins for RELION and for tomography, without their dependencies: Scipion has most of them already, in
# versions that must not change, and the tests run no step that needs the others (scipion-em-tomo: pyyaml).
has() { .venv/bin/python -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }
if [ "${1:-}" = --with-relion ] && has pwem && ! { has relion && has tomo; }; then
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps \
        scipion-em-relion==4.0.20 scipion-em-tomo==3.12.4
fi
