# shellcheck shell=bash disable=SC2154,SC2329
# OpenSSH: SFTP with a key. It serves this machine, to the user who started it.

sftp_where() { printf '%s' "$OPENDALFS_SFTP_ENDPOINT"; }

sftp_ready() {
    [ -r "$OPENDALFS_SFTP_KEY" ] && sftp_ssh -s sftp </dev/null >/dev/null 2>&1
}

# Nothing of the user's own configuration, agent or list of hosts.
sftp_ssh() {
    local address=${OPENDALFS_SFTP_ENDPOINT#ssh://}
    ssh -F none -i "$OPENDALFS_SFTP_KEY" -p "${address##*:}" -o IdentitiesOnly=yes \
        -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o ConnectTimeout=5 "$OPENDALFS_SFTP_USER@${address%:*}" "$@"
}

sftp_install() {
    debian_program sftp sshd openssh-server && debian_program sftp ssh openssh-client
}

sftp_start() {
    local address program home
    address=$(free_address sftp "$OPENDALFS_SFTP_ENDPOINT") || return 1
    # It starts itself anew for each connection, which takes an absolute path.
    program=$(find_program sshd) || return 1
    # The keys are those of the machine: a client remembers a server's.
    home=$(dirname "$OPENDALFS_SFTP_KEY")
    mkdir -p "$home" "$state/sftp"
    [ -f "$home/host" ] || ssh-keygen -q -t ed25519 -N '' -f "$home/host"
    [ -f "$OPENDALFS_SFTP_KEY" ] || ssh-keygen -q -t ed25519 -N '' -f "$OPENDALFS_SFTP_KEY"
    # Where root has the privileges separated, into a directory that a booted system makes.
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    cat >"$state/sftp/sshd_config" <<CONF
Port ${address##*:}
ListenAddress ${address%:*}
HostKey $home/host
AuthorizedKeysFile $OPENDALFS_SFTP_KEY.pub
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
CONF
    spawn sftp "$program" -D -e -f "$state/sftp/sshd_config"
}

sftp_prepare() { :; }
