# Creates .venv, unless there is a usable one. The Makefile runs it in the project's folder.
# Only relative paths are used, so the path of the project's folder may contain any character.
# Python runs with -I, so that exported PYTHON… variables have no effect.
set -eu

fits='import ssl, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'

# Set $python to the first Python that runs (a shim of pyenv may not), has a supported version, and
# can create a virtual environment with pip (on Debian, that needs python3-venv).
# It is run in /, where our .python-version does not make a pyenv shim choose another version.
find_python() {
    if [ -n "${PYTHON-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3.14 python3.13 python3.12 python3.11 python3
    fi
    bare=
    for name; do
        case $name in /*) ;; */*) name=$PWD/$name ;; esac
        (cd / && "$name" -I -c "$fits") 2>/dev/null || continue
        python=$(cd / && "$name" -I -c 'import sys; print(sys.executable)')
        if "$python" -I -c 'import ensurepip, venv' 2>/dev/null; then
            return
        fi
        bare=$python
    done
    if [ -n "$bare" ]; then
        echo "$bare can't make a virtual environment. Install what it lacks:" \
            "apt install python3-venv" >&2
    elif [ -n "${PYTHON-}" ]; then
        echo "PYTHON=$PYTHON doesn't run, or isn't Python 3.11 to 3.14." >&2
    else
        echo "No Python 3.11 to 3.14 found. Install one (Debian: apt install python3 python3-venv;" \
            "macOS: brew install python@3.13) or name it: make run PYTHON=/path/to/python3" >&2
    fi
    exit 1
}

# A venv is usable if its Python has a supported version, and its pip runs and belongs to this
# folder: the scripts in a venv contain its absolute path, so a moved venv is not usable.
good_venv() {
    .venv/bin/python -I -c "$fits" 2>/dev/null &&
        grep -qF "$(pwd -P)/.venv/bin/python" .venv/bin/pip 2>/dev/null &&
        .venv/bin/python -I -m pip --version >/dev/null 2>&1
}

if ! good_venv; then
    find_python
    echo "Making .venv with $python"
    rm -rf .venv
    "$python" -I -m venv .venv
fi
