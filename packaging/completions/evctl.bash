# bash completion for evctl

_evctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local verbs="migrate apply emit list show status audit tail re-emit resolve replay run alerts ack
    pause resume handlers prune adopt doctor version"
  local global="--config --database --json --help" verb="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ " ${verbs//$'\n'/ } " == *" $word "* ]]; then
      verb=$word
      break
    fi
  done

  case $prev in
    --config | --file)
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

  local filter="--status --event --handler --owner --since --limit" flags=""
  case $verb in
    migrate) flags="--sql --dry-run --no-roles" ;;
    apply) flags="--dry-run --prune" ;;
    emit) flags="--key --dedup-key --deliver-at --file" ;;
    list) flags="$filter --group-by" ;;
    status) flags="--watch" ;;
    audit) flags="--since" ;;
    tail) flags="--event" ;;
    re-emit) flags="$filter --like --all-handlers --same-key --new-key --canary --rate --wait
      --dry-run --yes" ;;
    resolve) flags="--handler --why" ;;
    replay) flags="--handler --event --since --until --rate" ;;
    run) flags="--event --args" ;;
    ack) flags="--for" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$flags $global" -- "$cur")
}

complete -F _evctl evctl
