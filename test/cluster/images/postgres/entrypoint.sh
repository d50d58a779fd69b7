#!/bin/sh
# Starts PostgreSQL on $PGDATA, which it first makes if it is not there: as a fresh volume, or one that a
# backup brought back.
#   POSTGRES_PASSWORD  password of user postgres, needed for a fresh volume only
#   POSTGRES_DB        database to create in a fresh volume
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	: "${POSTGRES_PASSWORD:?set it: the volume is empty and a database has to be made}"
	# Made elsewhere and then moved: a start that is interrupted must not leave half a database.
	new=$PGDATA.new
	rm -rf "$new"
	printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
	initdb -D "$new" --username=postgres --pwfile=/tmp/password --encoding=UTF8 --no-locale \
		--auth-local=trust --auth-host=scram-sha-256
	rm /tmp/password
	echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
	if [ -n "${POSTGRES_DB:-}" ] && [ "$POSTGRES_DB" != postgres ]; then
		echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -j -D "$new" postgres
	fi
	mv "$new" "$PGDATA"
fi

# The kubelet opens a volume to the pod's fsGroup; PostgreSQL refuses a directory that others can read.
chmod 0700 "$PGDATA"
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
