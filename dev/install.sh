# Install the lock file $1 into .venv, unless one of the given lock files is installed already.
# The Makefile runs this in the project's folder.
set -eu

for lock; do
    if cmp -s "$lock" .venv/installed.txt; then
        exit
    fi
done
echo "Installing $1 (only the first time and after changes)"
rm -f .venv/installed.txt
PIP_USER=0 .venv/bin/python -I -m pip install --quiet --quiet --disable-pip-version-check \
    --require-hashes --requirement "$1"
cp "$1" .venv/installed.txt
