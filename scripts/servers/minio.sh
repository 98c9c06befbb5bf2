# shellcheck shell=bash disable=SC2154,SC2329
# MinIO: S3.

minio_where() { printf '%s' "$OPENDALFS_S3_ENDPOINT"; }

minio_ready() { fetch --fail --output /dev/null "$OPENDALFS_S3_ENDPOINT/minio/health/ready"; }

minio_install() { go_program minio github.com/minio/minio minio; }

minio_start() {
    local address program
    address=$(free_address minio "$OPENDALFS_S3_ENDPOINT") || return 1
    if ! program=$(find_go_program minio minio); then
        compose_up minio
        return
    fi
    mkdir -p "$state/minio/data" "$state/minio/certs"
    # A certs directory of its own, or the certificates of the user would turn TLS on. The console
    # would listen on every interface if it were not told where.
    MINIO_ROOT_USER=$OPENDALFS_S3_KEY MINIO_ROOT_PASSWORD=$OPENDALFS_S3_SECRET \
        MINIO_BROWSER=off MINIO_UPDATE=off \
        spawn minio "$program" server --address "$address" --console-address 127.0.0.1:9001 \
        --certs-dir "$state/minio/certs" "$state/minio/data"
}

minio_prepare() {
    local attempt code=000
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        code=$(fetch --output "$state/minio-bucket.xml" --write-out '%{http_code}' --request PUT \
            --aws-sigv4 "aws:amz:$OPENDALFS_S3_REGION:s3" \
            --user "$OPENDALFS_S3_KEY:$OPENDALFS_S3_SECRET" \
            "$OPENDALFS_S3_ENDPOINT/$OPENDALFS_S3_BUCKET") || true
        case $code in
            200 | 409) return ;; # 409: the bucket is there already
            403)
                say "minio: the server at $OPENDALFS_S3_ENDPOINT has other keys than OPENDALFS_S3_KEY and OPENDALFS_S3_SECRET"
                return 1
                ;;
        esac
        sleep "0.$attempt" # ready, yet refusing writes for a moment
    done
    say "minio: making the bucket $OPENDALFS_S3_BUCKET failed with status $code: $state/minio-bucket.xml"
    return 1
}
