#!/usr/bin/env bash
# A PostgreSQL of one's own, on a free port and in a folder of its own, for tests and for
# trying things out.
#
#   scripts/postgres.sh run COMMAND...   one in a temporary folder, while COMMAND runs;
#                                        {} in it, and $TEST_POSTGRES_URL, are its URL
#   scripts/postgres.sh start FOLDER [NAME=VALUE...]   with these settings; prints the URL
#   scripts/postgres.sh stop FOLDER [smart|fast|immediate]
#   scripts/postgres.sh replica FOLDER URL [NAME=VALUE...]   a standby of the one at URL, made anew
#   scripts/postgres.sh promote FOLDER   makes a standby a server of its own
#   scripts/postgres.sh find             prints where the programs are
#
# With $POSTGRES_OWNER, the id of a process, the server ends when that is gone.
#
# It takes what is installed; on Debian, as root, it installs what is not. PostgreSQL does
# not run as root: then it runs as the user "postgres". The folder holds nothing but it.
set -euo pipefail

fail() {
  echo "$*" >&2
  exit 1
}

# Debian keeps the programs of each version in a folder that is not in the PATH.
find_programs() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -t/ -k5 -n | tail -1)
  [ -n "$found" ] || found=$(command -v postgres) || return 1
  [ -x "$(dirname "$found")/initdb" ] || return 1
  dirname "$found"
}

programs() {
  find_programs && return
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null ||
    fail "PostgreSQL is not installed: install it, or run this as root on Debian"
  { apt-get update -q && apt-get install -qy --no-install-recommends postgresql; } >&2 ||
    fail "PostgreSQL could not be installed"
  find_programs || fail "PostgreSQL was installed, and is not to be found"
}

# as_owner COMMAND...: as a user that PostgreSQL may run as.
as_owner() {
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
  else
    "$@"
  fi
}

# alone COMMAND...: without the files of whoever has called this, which a server that outlives him
# would keep open, and with them the locks that he has on them.
alone() (
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    # bash reads this script by 255.
    if [[ $fd =~ ^[0-9]+$ ]] && [ "$fd" -gt 2 ] && [ "$fd" -ne 255 ]; then eval "exec $fd>&-"; fi
  done 2>/dev/null
  "$@"
)

# watch PID: stops the server in this folder when the process is gone that it was started for: one
# that was killed stops nothing.
watch() {
  local mine
  mine=$(head -1 data/postmaster.pid)
  while kill -0 "$1"; do
    sleep 1
    [ "$(head -1 data/postmaster.pid)" = "$mine" ] || return 0
  done
  as_owner "$bin/pg_ctl" -D data -m immediate stop
}

free_port() {
  local port i
  for ((i = 0; i < 100; i++)); do
    port=$((20000 + RANDOM % 12000))
    (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null || { echo "$port" && return; }
  done
  fail "there is no free port"
}

start() {
  local folder=$1 bin port had i said
  shift
  bin=$(programs)
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder"; fi
  cd "$folder" # the owner may not enter the one that this was called in
  if [ ! -e data ]; then
    said=$(as_owner "$bin/initdb" -D data -U sarang -A trust -E UTF8 --locale=C --no-instructions ${PG_INITDB_OPTIONS:-} 2>&1) ||
      fail "$said"
  fi
  # Somebody else may take the port before PostgreSQL does. One that is started again keeps
  # it; and if it was killed, what is left of it may take a moment to go.
  had=$(cat port 2>/dev/null || true)
  for ((i = 0; i < 20; i++)); do
    port=${had:-$(free_port)}
    {
      echo "listen_addresses = '127.0.0.1'"
      echo "port = $port"
      echo "unix_socket_directories = ''"
      echo "max_connections = 200"
      for setting in "$@"; do echo "${setting%%=*} = '${setting#*=}'"; done
    } >data/postgresql.auto.conf
    if alone as_owner "$bin/pg_ctl" -D data -l data/server.log -w -t 60 start >start.out 2>&1 </dev/null; then
      echo "$port" >port
      if [ -n "${POSTGRES_OWNER:-}" ]; then
        (alone watch "$POSTGRES_OWNER") >/dev/null 2>&1 </dev/null &
      fi
      echo "postgres://sarang@127.0.0.1:$port/postgres?sslmode=disable"
      return
    fi
    sleep 0.2
  done
  cat start.out >&2
  tail -20 data/server.log >&2 || true
  fail "PostgreSQL did not start"
}

stop() {
  local folder=$1 bin
  bin=$(find_programs)
  cd "$folder"
  as_owner "$bin/pg_ctl" -D data -m "${2:-fast}" -w -t 60 stop >/dev/null
}

# A standby streams from the server at its URL. What was in its folder is gone; its port stays.
replica() {
  local folder=$1 from=$2 bin
  shift 2
  bin=$(programs)
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder"; fi
  cd "$folder"
  rm -rf data
  as_owner "$bin/pg_basebackup" -D data -d "$from" -X stream -c fast >&2
  as_owner touch data/standby.signal
  start "$folder" "primary_conninfo=$from" wal_retrieve_retry_interval=200ms "$@"
}

promote() {
  local bin
  bin=$(find_programs)
  cd "$1"
  as_owner "$bin/pg_ctl" -D data -w -t 60 promote >/dev/null
}

run() {
  local folder url status=0 arg command=()
  folder=$(mktemp -d "${TMPDIR:-/tmp}/sarang-postgres.XXXXXX")
  # shellcheck disable=SC2064 # the folder is to be that of now
  trap "(stop '$folder' immediate) 2>/dev/null; rm -rf '$folder'" EXIT
  trap : INT # the command gets it, and ends in order
  url=$(start "$folder")
  for arg in "$@"; do command+=("${arg//\{\}/$url}"); done
  TEST_POSTGRES_URL=$url "${command[@]}" || status=$?
  exit "$status"
}

case ${1:-} in
run) shift && run "$@" ;;
start) shift && start "$@" ;;
stop) shift && stop "$@" ;;
replica) shift && replica "$@" ;;
promote) shift && promote "$@" ;;
find) programs ;;
*) sed -n 's/^# \{0,1\}//p' "$0" | head -14 && exit 2 ;;
esac
