# bash completion for evctl

_evctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local verbs="migrate apply emit export list show status audit tail re-emit replay resolve pause resume handlers run alerts ack prune adopt doctor version"
  local global="--config --database --json --help" verb="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ " $verbs " == *" $word "* ]]; then
      verb=$word
      break
    fi
  done

  case $prev in
    --config)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
      ;;
    --status)
      mapfile -t COMPREPLY < <(compgen -W "emitted timeout processed escalated" -- "$cur")
      return
      ;;
  esac
  if [[ -z $verb && $cur != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
    return
  fi

  local filter="--status --event --handler --owner --since" flags=""
  case $verb in
    migrate) flags="--sql --dry-run --no-roles" ;;
    apply) flags="--dry-run --prune" ;;
    emit) flags="--key --dedup-key --deliver-at --file --resume --again" ;;
    export) flags="--since --until --event" ;;
    list) flags="$filter --limit --group-by" ;;
    audit) flags="--since --full" ;;
    tail) flags="--event" ;;
    re-emit) flags="$filter --like --all-handlers --same-key --new-key --canary --rate --wait --dry-run --yes" ;;
    replay) flags="--handler --event --since --until --rate --after --dry-run" ;;
    resolve) flags="$filter --like --why --dry-run --yes" ;;
    status) flags="--watch" ;;
    doctor) flags="--send-test --check" ;;
    run) flags="--event --args" ;;
    alerts) flags="--all --limit" ;;
    ack) flags="--for" ;;
    adopt) flags="--instance --dry-run --yes" ;;
    prune) flags="--older-than --dry-run" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$flags $global" -- "$cur")
}

complete -F _evctl evctl
