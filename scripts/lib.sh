# Functions that several scripts need: source it.

# start_server NAME ARGS...: starts $sarang serve with a data folder of its own in
# $work, on a free port unless LISTEN says another, without the addresses of browsers and
# operators unless WEB and HTTP name them, and waits until it is ready.
# Sets server_pid and server_addr.
start_server() {
  local name=$1 i
  shift
  server_log=$work/$name.log
  : >"$work/$name.out"
  # PIN is a command to run it under, such as "taskset -c 0".
  ${PIN:-} "$sarang" serve --data "$work/$name" --listen "tcp://${LISTEN:-127.0.0.1:0}" \
    --web "${WEB:-none}" --http "${HTTP:-none}" "$@" >"$work/$name.out" 2>>"$server_log" &
  server_pid=$!
  for ((i = 0; i < 100; i++)); do
    server_addr=$(sed -n 's,^listening tcp://,,p' "$work/$name.out")
    [ -n "$server_addr" ] && return
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "the server did not start:" >&2
  cat "$server_log" >&2
  return 1
}

# stop_server: SIGTERM; the server must end by itself, with status 0.
stop_server() {
  kill -TERM "$server_pid" || return
  if ! wait "$server_pid"; then
    echo "the server did not end in order:" >&2
    tail -20 "$server_log" >&2
    return 1
  fi
}

# conformance counts the cases of the suites for drivers and stores in the output of
# go test -v, and lists those for drivers.
conformance() {
  awk '
    /^ *--- (PASS|FAIL|SKIP): Test[A-Za-z]*Conformance[A-Za-z]*\// {
      sub(/:$/, "", $2)
      suite = $3
      sub(/\/[^\/]*$/, "", suite)
      group[suite] = 1
      n++; name[n] = $3; of[n] = suite; result[n] = $2
    }
    END {
      print "conformance:"
      for (i = 1; i <= n; i++) {
        if (name[i] in group) continue # it holds cases, and is none
        if (!(of[i] in seen)) { seen[of[i]] = 1; order[++k] = of[i] }
        count[of[i], result[i]]++
        if (of[i] == "TestConformance/epoll") cases = cases " " substr(name[i], length(of[i]) + 2)
      }
      for (i = 1; i <= k; i++)
        printf "  %-40s %d passed, %d failed, %d skipped\n", order[i], count[order[i], "PASS"], count[order[i], "FAIL"], count[order[i], "SKIP"]
      print "  the cases for drivers:" cases
    }'
}
