# shellcheck shell=bash disable=SC2154,SC2329
# Toxiproxy: a proxy whose connections can be made slow, cut or dead through its API.

toxiproxy_where() { printf '%s' "$OPENDALFS_TOXIPROXY_ENDPOINT"; }

toxiproxy_ready() { fetch --fail --output /dev/null "$OPENDALFS_TOXIPROXY_ENDPOINT/version"; }

# The program is called "server": it gets a directory of its own.
toxiproxy_install() { go_program toxiproxy github.com/Shopify/toxiproxy/v2/cmd/server server; }

toxiproxy_start() {
    local address program
    address=$(free_address toxiproxy "$OPENDALFS_TOXIPROXY_ENDPOINT") || return 1
    if ! program=$(find_go_program toxiproxy server); then
        compose_up toxiproxy
        return
    fi
    mkdir -p "$state/toxiproxy"
    printf '[]\n' >"$state/toxiproxy/proxies.json"
    spawn toxiproxy "$program" -host "${address%:*}" -port "${address##*:}" \
        -config "$state/toxiproxy/proxies.json"
}

toxiproxy_prepare() { :; }
