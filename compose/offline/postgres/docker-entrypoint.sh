#!/bin/bash
# Make the cluster on the first start, then become the server. Another command than `postgres` is run as it is.
set -euo pipefail

# value NAME DEFAULT: the variable, or what the file holds that NAME_FILE names.
value() {
    local file="$1_FILE"
    if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!1:-$2}"; fi
}

[ "${1:0:1}" != - ] || set -- postgres "$@"
[ "$1" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
    install --directory --owner postgres --group postgres --mode 700 "$PGDATA"
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --clear-groups -- "$BASH_SOURCE" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=$(value POSTGRES_USER postgres)
    database=$(value POSTGRES_DB "$user")
    password=$(value POSTGRES_PASSWORD '')
    how=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "$password" ] && [ "$how" != trust ]; then
        echo "the superuser needs POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE" >&2
        exit 1
    fi
    # shellcheck disable=SC2086  # several arguments
    initdb --pgdata="$PGDATA" --username="$user" --pwfile=<(printf '%s\n' "$password") --encoding=UTF8 --no-locale \
        --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
    echo "host all all all $how" >>"$PGDATA/pg_hba.conf"

    # Init files meet a server that only its own socket reaches: nobody must take it for the finished one.
    pg_ctl --pgdata="$PGDATA" --wait --options="-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" start
    export PGHOST=/var/run/postgresql PGUSER="$user"
    [ "$database" = postgres ] || createdb "$database"
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sql) psql --no-psqlrc --set=ON_ERROR_STOP=1 --dbname="$database" --file="$file" ;;
            *.sh) bash "$file" ;;
        esac
    done
    unset PGHOST PGUSER
    pg_ctl --pgdata="$PGDATA" --wait --mode=fast stop
fi

shift
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
