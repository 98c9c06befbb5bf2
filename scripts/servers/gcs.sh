# shellcheck shell=bash disable=SC2154,SC2329
# fake-gcs-server: Google Cloud Storage.

gcs_where() { printf '%s' "$OPENDALFS_GCS_ENDPOINT"; }

gcs_ready() { fetch --fail --output /dev/null "$OPENDALFS_GCS_ENDPOINT/_internal/healthcheck"; }

gcs_install() { go_program gcs github.com/fsouza/fake-gcs-server fake-gcs-server; }

gcs_start() {
    local address program
    address=$(free_address gcs "$OPENDALFS_GCS_ENDPOINT") || return 1
    if ! program=$(find_go_program gcs fake-gcs-server); then
        compose_up gcs
        return
    fi
    mkdir -p "$state/gcs/data"
    # In memory: its directory of files cannot hold an object `a` and an object `a/b`.
    spawn gcs "$program" -scheme http -host "${address%:*}" -port "${address##*:}" \
        -public-host "$address" -external-url "$OPENDALFS_GCS_ENDPOINT" \
        -backend memory -data "$state/gcs/data"
}

gcs_prepare() {
    local code
    code=$(fetch --output /dev/null --write-out '%{http_code}' --request POST \
        --header 'Content-Type: application/json' --data "{\"name\":\"$OPENDALFS_GCS_BUCKET\"}" \
        "$OPENDALFS_GCS_ENDPOINT/storage/v1/b?project=tests")
    case $code in
        200 | 409) ;; # 409: the bucket is there already
        *)
            say "gcs: making the bucket $OPENDALFS_GCS_BUCKET failed with status $code"
            return 1
            ;;
    esac
}
