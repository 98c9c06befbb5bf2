# shellcheck shell=bash disable=SC2154,SC2329
# Azurite: Azure Blob Storage.

azurite_where() { printf '%s' "$OPENDALFS_AZBLOB_ENDPOINT"; }

# It answers 400 to a request that names no version and is not signed.
azurite_ready() { [ "$(azurite_ask GET '' 2>/dev/null)" != 000 ]; }

azurite_install() {
    [ ! -x "$programs/azurite/node_modules/.bin/azurite-blob" ] || return 0
    if command -v npm >/dev/null; then
        in_turn npm azurite_get
    else
        docker_instead azurite "install Node.js (https://nodejs.org)"
    fi
}

azurite_get() {
    say "azurite: npm install azurite (a minute, once for this machine)"
    mkdir -p "$programs/azurite"
    logged azurite npm install --no-audit --no-fund --prefix "$programs/azurite" azurite
}

azurite_start() {
    local address program=$programs/azurite/node_modules/.bin/azurite-blob
    address=$(free_address azurite "${OPENDALFS_AZBLOB_ENDPOINT%/*}") || return 1
    if [ ! -x "$program" ]; then
        compose_up azurite
        return
    fi
    mkdir -p "$state/azurite/data"
    # The versions clients ask for change faster than the emulator.
    AZURITE_ACCOUNTS=$OPENDALFS_AZBLOB_ACCOUNT:$OPENDALFS_AZBLOB_KEY \
        spawn azurite "$program" --blobHost "${address%:*}" --blobPort "${address##*:}" \
        --loose --skipApiVersionCheck --disableTelemetry --silent --location "$state/azurite/data"
}

azurite_prepare() {
    local code
    code=$(azurite_ask PUT "/$OPENDALFS_AZBLOB_CONTAINER" 'restype:container')
    case $code in
        201 | 409) ;; # 409: the container is there already
        *)
            say "azurite: making the container $OPENDALFS_AZBLOB_CONTAINER failed with status $code"
            return 1
            ;;
    esac
}

# Prints the status of a signed request; a parameter is given as `name:value`.
azurite_ask() {
    local method=$1 path=$2 parameter=${3:-} date text key signature
    date=$(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')
    text=$(printf '%s\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:%s\nx-ms-version:2021-12-02\n/%s/%s%s%s' \
        "$method" "$date" "$OPENDALFS_AZBLOB_ACCOUNT" "${OPENDALFS_AZBLOB_ENDPOINT##*/}" "$path" \
        "${parameter:+$'\n'$parameter}")
    key=$(printf '%s' "$OPENDALFS_AZBLOB_KEY" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
    signature=$(printf '%s' "$text" |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
    fetch --output /dev/null --write-out '%{http_code}' --request "$method" \
        --header "x-ms-date: $date" --header 'x-ms-version: 2021-12-02' \
        --header "Authorization: SharedKey $OPENDALFS_AZBLOB_ACCOUNT:$signature" \
        "$OPENDALFS_AZBLOB_ENDPOINT$path${parameter:+?${parameter/:/=}}" || true
}
