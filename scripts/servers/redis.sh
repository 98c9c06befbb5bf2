# shellcheck shell=bash disable=SC2154,SC2329
# Redis, on a port of its own: what a test removes is never anyone's data.

redis_where() { printf '%s' "$OPENDALFS_REDIS_ENDPOINT"; }

redis_ready() {
    local address=${OPENDALFS_REDIS_ENDPOINT#redis://} answer
    answer=$({
        exec 3<>"/dev/tcp/${address%:*}/${address##*:}" && printf 'PING\r\n' >&3 &&
            IFS= read -r -t 5 line <&3 && printf '%s' "$line"
    } 2>/dev/null) && [ "${answer%$'\r'}" = +PONG ]
}

redis_install() { debian_program redis redis-server redis-server; }

redis_start() {
    local address program
    address=$(free_address redis "$OPENDALFS_REDIS_ENDPOINT") || return 1
    if ! program=$(find_program redis-server); then
        compose_up redis
        return
    fi
    mkdir -p "$state/redis/data"
    # Its title would hide the path by which the process is known again.
    spawn redis "$program" --bind "${address%:*}" --port "${address##*:}" \
        --set-proc-title no --save '' --appendonly no --dir "$state/redis/data"
}

redis_prepare() { :; }
