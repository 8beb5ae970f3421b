# Shared by the scripts in tools/: headings, and failures that say what to do. Sourced by bash.
set -Eeuo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
name=$(basename "$0")
advice=""  # one sentence: what to do if the step that runs now fails
unset CDPATH

# ccache, where CMake finds it: what is compiled depends on no path, so every checkout shares it.
export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1

heading() { printf '\n== %s\n' "$*"; }

# fail SENTENCE: what is wrong and what to do.
fail() {
  trap - ERR
  printf '\n%s: %s\n' "$name" "$*" >&2
  exit 1
}

# The help is the comment at the top of the script.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

cores() { nproc 2>/dev/null || echo 2; }

on_error() {
  local status=$? command=$BASH_COMMAND
  fail "failed (status $status) at: $command
${advice:-Please read the lines above; the first error among them is the cause.}"
}
trap on_error ERR
