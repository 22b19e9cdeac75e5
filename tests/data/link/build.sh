#!/bin/sh
# Compiles the objects that linking is tested with beside their sources: tests/data/link/build.sh [OUTPUT-FOLDER]
set -eu
cd "$(dirname "$0")"
headers=/usr/include/$(uname -m)-linux-gnu
for source in *.bpf.c; do
	output=${1:-.}/${source%.c}.o
	"${CLANG:-clang-19}" -O2 -g -Wall -Werror -mcpu=v3 -target bpf -I"$headers" -ffile-prefix-map="$PWD"=. \
		-fdebug-compilation-dir=. -c "$source" -o "$output"
	"${LLVM_STRIP:-llvm-strip-19}" -g "$output"
done
