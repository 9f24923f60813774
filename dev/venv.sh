# Create .venv, unless there is a usable one. The Makefile runs this in the project's folder.
# All paths are relative, so that the project's folder may have any name. -I makes Python ignore
# exported variables like PYTHONPATH.
set -eu

check_version='import ssl, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'

# Set $python to the first Python that runs (a pyenv shim may not), has a supported version and can
# create a venv with pip (on Debian this needs python3-venv). The commands run in /, so that pyenv
# doesn't read our .python-version.
find_python() {
    if [ -n "${PYTHON-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3.14 python3.13 python3.12 python3.11 python3
    fi
    without_venv=
    for name; do
        case $name in /*) ;; */*) name=$PWD/$name ;; esac
        (cd / && "$name" -I -c "$check_version") 2>/dev/null || continue
        python=$(cd / && "$name" -I -c 'import sys; print(sys.executable)')
        if "$python" -I -c 'import ensurepip, venv' 2>/dev/null; then
            return
        fi
        without_venv=$python
    done
    if [ -n "$without_venv" ]; then
        echo "$without_venv can't create a virtual environment. Install the missing package:" \
            "apt install python3-venv" >&2
    elif [ -n "${PYTHON-}" ]; then
        echo "PYTHON=$PYTHON doesn't run, or is not Python 3.11 to 3.14." >&2
    else
        echo "No Python 3.11 to 3.14 found. Install one (Debian: apt install python3 python3-venv;" \
            "macOS: brew install python@3.13) or choose one: make run PYTHON=/path/to/python3" >&2
    fi
    exit 1
}

# The venv is usable if its Python has a supported version, and its pip runs and belongs to this
# folder: scripts in a venv contain its absolute path.
is_usable() {
    .venv/bin/python -I -c "$check_version" 2>/dev/null &&
        grep -qF "$(pwd -P)/.venv/bin/python" .venv/bin/pip 2>/dev/null &&
        .venv/bin/python -I -m pip --version >/dev/null 2>&1
}

if ! is_usable; then
    find_python
    echo "Creating .venv with $python"
    rm -rf .venv
    "$python" -I -m venv .venv
fi
