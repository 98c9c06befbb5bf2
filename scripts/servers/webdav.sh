# shellcheck shell=bash disable=SC2154,SC2329
# rclone: WebDAV.

webdav_where() { printf '%s' "$OPENDALFS_WEBDAV_ENDPOINT"; }

webdav_ready() {
    fetch --fail --output /dev/null --user "$OPENDALFS_WEBDAV_USER:$OPENDALFS_WEBDAV_PASSWORD" \
        --request PROPFIND --header 'Depth: 0' "$OPENDALFS_WEBDAV_ENDPOINT/"
}

webdav_install() { debian_program webdav rclone rclone; }

webdav_start() {
    local address program
    address=$(free_address webdav "$OPENDALFS_WEBDAV_ENDPOINT") || return 1
    if ! program=$(find_program rclone); then
        compose_up webdav
        return
    fi
    mkdir -p "$state/webdav/data"
    RCLONE_CONFIG=$state/webdav/rclone.conf spawn webdav "$program" serve webdav \
        --addr "$address" --user "$OPENDALFS_WEBDAV_USER" --pass "$OPENDALFS_WEBDAV_PASSWORD" \
        --cache-dir "$state/webdav/cache" --vfs-cache-mode writes --vfs-write-back 0 \
        "$state/webdav/data"
}

webdav_prepare() { :; }
