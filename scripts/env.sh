# shellcheck shell=bash
# Sourced by the scripts beside this file: where things are, for cargo, maturin and Python.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root" || exit 1
venv=$root/.venv
python=$venv/bin/python

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*" && exit 1; }

# True where CI is set to anything but "no": what is missing is an error there.
is_ci() {
    case ${CI:-} in
        '' | 0 | false) return 1 ;;
    esac
}

# Compiles a tool away from CARGO_TARGET_DIR, so that nothing else has to wait for it.
cargo_install() {
    local directory status=0
    directory=$(mktemp -d)
    cargo install --quiet --locked --target-dir "$directory" "$1" || status=$?
    rm -rf "$directory"
    return "$status"
}

# rustup and Go put their programs where only a login shell looks.
for directory in "$HOME/.cargo/bin" /usr/local/go/bin; do
    case ":$PATH:" in
        *":$directory:"*) ;;
        *) PATH=$PATH:$directory ;;
    esac
done
case "$PATH:" in
    "$venv/bin:"*) ;;
    *) PATH=$venv/bin:$PATH ;;
esac
export PATH VIRTUAL_ENV=$venv
# maturin refuses to choose between two environments.
unset CONDA_PREFIX PYTHONHOME

# Outside the checkout, so that a second clone finds the dependencies compiled.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/opendalfs/target}

# What maturin sets for its own build, its file of facts about Python included (scripts/build
# leaves that to it). With other values in the plain cargo commands each of the two would compile
# PyO3 anew after the other.
export PYO3_BUILD_EXTENSION_MODULE=1 PYO3_PYTHON=$python
version=$(sed -n 's/^version *= *\([0-9]*\.[0-9]*\).*/\1/p' "$venv/pyvenv.cfg" 2>/dev/null) || true
for file in "$CARGO_TARGET_DIR"/maturin/pyo3-config-*-"$version"-abi3.txt; do
    [ ! -e "$file" ] || export PYO3_CONFIG_FILE=$file
done

# The servers of the tests are on this machine; no proxy is to be asked for them.
case ",${no_proxy:=${NO_PROXY:-}}," in
    *,127.0.0.1,*) ;;
    *) no_proxy=${no_proxy:+$no_proxy,}127.0.0.1,localhost ;;
esac
export no_proxy NO_PROXY=$no_proxy

# Endpoint, keys and bucket of the S3 server: tests, demo and docker-compose.yml read these names.
export OPENDALFS_S3_ENDPOINT=${OPENDALFS_S3_ENDPOINT:-http://127.0.0.1:9000}
export OPENDALFS_S3_KEY=${OPENDALFS_S3_KEY:-minioadmin}
export OPENDALFS_S3_SECRET=${OPENDALFS_S3_SECRET:-minioadmin}
export OPENDALFS_S3_REGION=${OPENDALFS_S3_REGION:-us-east-1}
export OPENDALFS_S3_BUCKET=${OPENDALFS_S3_BUCKET:-test-bucket}

# The other servers of scripts/services: where each answers, and what the tests need to know of it.
export OPENDALFS_GCS_ENDPOINT=${OPENDALFS_GCS_ENDPOINT:-http://127.0.0.1:4443}
export OPENDALFS_GCS_BUCKET=${OPENDALFS_GCS_BUCKET:-test-bucket}
export OPENDALFS_AZBLOB_ENDPOINT=${OPENDALFS_AZBLOB_ENDPOINT:-http://127.0.0.1:10000/devstoreaccount1}
export OPENDALFS_AZBLOB_ACCOUNT=${OPENDALFS_AZBLOB_ACCOUNT:-devstoreaccount1}
# The key every emulator has.
export OPENDALFS_AZBLOB_KEY=${OPENDALFS_AZBLOB_KEY:-Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==}
export OPENDALFS_AZBLOB_CONTAINER=${OPENDALFS_AZBLOB_CONTAINER:-test-container}
export OPENDALFS_HTTP_ENDPOINT=${OPENDALFS_HTTP_ENDPOINT:-http://127.0.0.1:8088}
export OPENDALFS_WEBDAV_ENDPOINT=${OPENDALFS_WEBDAV_ENDPOINT:-http://127.0.0.1:8090}
export OPENDALFS_WEBDAV_USER=${OPENDALFS_WEBDAV_USER:-testuser}
export OPENDALFS_WEBDAV_PASSWORD=${OPENDALFS_WEBDAV_PASSWORD:-testpass}
export OPENDALFS_SFTP_ENDPOINT=${OPENDALFS_SFTP_ENDPOINT:-ssh://127.0.0.1:2223}
export OPENDALFS_SFTP_USER=${OPENDALFS_SFTP_USER:-$(id -un)}
export OPENDALFS_SFTP_KEY=${OPENDALFS_SFTP_KEY:-${XDG_CACHE_HOME:-$HOME/.cache}/opendalfs/sftp/key}
export OPENDALFS_REDIS_ENDPOINT=${OPENDALFS_REDIS_ENDPOINT:-redis://127.0.0.1:6399}
export OPENDALFS_TOXIPROXY_ENDPOINT=${OPENDALFS_TOXIPROXY_ENDPOINT:-http://127.0.0.1:8474}
