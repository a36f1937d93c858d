#!/bin/bash
# Every C and C++ source is as clang-format leaves it. To mend: tests/lint/format.sh --fix
set -euo pipefail
cd "$(dirname "$0")/../.."

format=$(command -v clang-format-14 || command -v clang-format) || {
  echo "clang-format is not installed" >&2
  exit 1
}

sources() {
  git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp' '*.h' 2>/dev/null ||
    find . \( -name .git -o -name build \) -prune -o \
      \( -name '*.cpp' -o -name '*.hpp' -o -name '*.h' \) -print0
}

# A file that git still knows but that is deleted in the tree is no source.
existing() {
  local file
  while IFS= read -r -d '' file; do
    [[ ! -f $file ]] || printf '%s\0' "$file"
  done
}

case ${1:-} in
  --fix)
    sources | existing | xargs -0 -r "$format" -i
    ;;
  --self-test)
    printf 'int main() { return 0; }\n' | "$format" --dry-run --Werror --assume-filename=good.cpp
    if printf 'int  main( ){return 0;}\n' |
      "$format" --dry-run --Werror --assume-filename=bad.cpp 2>/dev/null; then
      echo "self-test: badly formatted code passed" >&2
      exit 1
    fi
    ;;
  *)
    sources | existing | xargs -0 -r "$format" --dry-run --Werror
    ;;
esac
