# shellcheck shell=bash disable=SC2154,SC2329
# nginx: files over HTTP, with pages that list directories. The tests put files there by PUT.

http_where() { printf '%s' "$OPENDALFS_HTTP_ENDPOINT"; }

http_ready() { fetch --fail --output /dev/null "$OPENDALFS_HTTP_ENDPOINT/"; }

http_install() { debian_program http nginx nginx-light; }

http_start() {
    local address program
    address=$(free_address http "$OPENDALFS_HTTP_ENDPOINT") || return 1
    if ! program=$(find_program nginx); then
        compose_up http
        return
    fi
    mkdir -p "$state/http/root"
    # Pages go through a temporary directory of their own; the built-in ones belong to root.
    cat >"$state/http/nginx.conf" <<CONF
daemon off;
master_process off;
pid $state/http/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path $state/http/body;
    proxy_temp_path $state/http/proxy;
    fastcgi_temp_path $state/http/fastcgi;
    uwsgi_temp_path $state/http/uwsgi;
    scgi_temp_path $state/http/scgi;
    default_type application/octet-stream;
    server {
        listen $address;
        root $state/http/root;
        autoindex on;
        client_max_body_size 0;
        dav_methods PUT DELETE;
        create_full_put_path on;
    }
}
CONF
    spawn http "$program" -e stderr -c "$state/http/nginx.conf"
}

http_prepare() { :; }
