#!/bin/bash
# A worker in Bash, with jq: an event on each line of stdin, an answer on a line of stdout.
score() {
  local user amount
  user=$(jq -r '.args[0]' <<<"$1") amount=$(jq -r '.args[1] // empty' <<<"$1")
  if [[ -z $amount ]]; then
    echo '{"error": "no amount"}'
  elif ((amount < 0)); then
    echo '{"error": "a negative amount", "permanent": true}'
  else
    echo "$user scores $((amount / 100))" >&2 # goes to evd's log
    echo '{"ok": true}'
  fi
}

while IFS= read -r event; do
  jq -c --argjson outcome "$(score "$event")" '{id, handler} + $outcome' <<<"$event"
done
