#!/bin/sh
# Compiles every example beside its source: examples/build.sh [OUTPUT-FOLDER]
# Needs clang 19, libbpf's headers and the kernel's (Debian: clang-19 libbpf-dev linux-libc-dev).
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-clang-19}
headers=/usr/include/$(uname -m)-linux-gnu
for source in */*.bpf.c; do
	output=${1:-$(dirname "$source")}/$(basename "$source" .c).o
	# Paths in debug information would be those of the machine that compiled.
	"$clang" -O2 -g -Wall -Werror -mcpu=v3 -target bpf -I"$headers" -ffile-prefix-map="$PWD"=. -fdebug-compilation-dir=. \
		-c "$source" -o "$output"
	"${LLVM_STRIP:-llvm-strip-19}" -g "$output"
done
