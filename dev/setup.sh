# Make .venv and install the lock file $1, unless it or one of the others named is installed.
# For the Makefile, from the project's folder: sh dev/setup.sh requirements-run.txt …
set -eu
unset PYTHONHOME PYTHONPATH

fits='import ssl, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))'

# Set $python to the program behind the first name that really runs (a shim of pyenv may not), has
# a fitting version and can make a venv with pip (Debian's can't without python3-venv).
# It is asked in /, where no .python-version of ours steers a shim.
find_python() {
    if [ -n "${PYTHON-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3.14 python3.13 python3.12 python3.11 python3
    fi
    bare=
    for name; do
        case $name in /*) ;; */*) name=$PWD/$name ;; esac
        (cd / && "$name" -c "$fits") 2>/dev/null || continue
        python=$(cd / && "$name" -c 'import sys; print(sys.executable)')
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
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

# A venv is good if its Python fits and its pip runs and is of this folder: scripts hold its path.
good_venv() {
    .venv/bin/python -c "$fits" 2>/dev/null &&
        grep -qF "$(pwd -P)/.venv/bin/python" .venv/bin/pip 2>/dev/null &&
        .venv/bin/python -m pip --version >/dev/null 2>&1
}

if ! good_venv; then
    find_python
    echo "Making .venv with $python"
    rm -rf .venv
    "$python" -m venv .venv
fi

for lock; do
    if cmp -s "$lock" .venv/installed.txt; then
        exit
    fi
done
echo "Installing $1 (only the first time, and when it has changed)"
rm -f .venv/installed.txt
PIP_USER=0 .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
    --require-hashes --requirement "$1"
cp "$1" .venv/installed.txt
