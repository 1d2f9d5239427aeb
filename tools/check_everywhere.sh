#!/usr/bin/env bash
# The engine's C++ tests under every compiler and processor at hand: all must print the same lines, bit for bit.
#   tools/check_everywhere.sh [SOURCES]     SOURCES is native/ unless said
set -euo pipefail
cd "$(dirname "$0")/.."
sources=${1:-native}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! compgen -G "$sources/test/*.cpp" > /dev/null; then
  echo "skipped: $sources/test holds no C++"
  exit 0
fi
flags="-std=c++20 -O3 -DNDEBUG -ffp-contract=off -fno-math-errno -fvisibility=hidden -Wall -Wextra -Wno-psabi"
flags="$flags -pthread -I$sources"

# build COMPILER INSTRUCTION_SETS [LINK_FLAGS]: $work/COMPILER/test
build() {
  local compiler=$1 into=$work/$1 file isa march
  mkdir -p "$into"
  {
    for isa in $2; do
      march=""
      [ "$isa" = arm64 ] || march="-march=x86-64-$isa"
      echo "$compiler $flags $march -DBACKLIT_ISA=$isa -c $sources/step.cpp -o $into/step_$isa.o"
    done
    for file in "$sources"/*.cpp "$sources"/test/*.cpp; do
      case $(basename "$file") in module.cpp | step.cpp) continue ;; esac
      echo "$compiler $flags -c $file -o $into/$(echo "$file" | tr / _).o"
    done
  } | xargs -P "$(nproc)" -I{} sh -c '{}'
  # shellcheck disable=SC2086
  $compiler -pthread "$into"/*.o ${3:-} -o "$into/test"
}

expected=""
status=0
# compare NAME COMMAND...: its lines against the first one's
compare() {
  local name=$1
  shift
  if ! "$@" bits > "$work/$name.txt"; then
    echo "$name: the tests failed"
    status=1
  elif [ -z "$expected" ]; then
    expected=$name
    echo "$name: $(wc -l < "$work/$name.txt") lines"
  elif diff "$work/$expected.txt" "$work/$name.txt" > "$work/diff"; then
    echo "$name: the same as $expected"
  else
    echo "$name: $(grep -c '^>' "$work/diff" || true) lines differ from $expected (<), the first of them:"
    head -n 8 "$work/diff"
    status=1
  fi
}

case $(uname -m) in
  x86_64 | amd64) here="v3 v4" ;;
  aarch64 | arm64) here="arm64" ;;
  *) echo "skipped: the engine is for x86-64 and ARM64" && exit 0 ;;
esac
for compiler in g++ clang++; do
  if command -v $compiler > /dev/null; then
    build $compiler "$here"
    compare $compiler "$work/$compiler/test"
  else
    echo "$compiler: skipped, it is not installed"
  fi
done
if [ "$here" = arm64 ]; then
  :
elif command -v aarch64-linux-gnu-g++ > /dev/null && command -v qemu-aarch64 > /dev/null; then
  build aarch64-linux-gnu-g++ arm64 -static
  compare aarch64-linux-gnu-g++ qemu-aarch64 "$work/aarch64-linux-gnu-g++/test"
else
  echo "aarch64-linux-gnu-g++: skipped, it or qemu-aarch64 is not installed (Debian: g++-aarch64-linux-gnu qemu-user)"
fi
exit $status
