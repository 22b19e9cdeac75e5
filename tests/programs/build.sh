#!/bin/sh
# Compiles every test program beside its source: tests/programs/build.sh [OUTPUT-FOLDER]
# A first line `// cpu: v4` asks for another ISA version than v3.
set -eu
cd "$(dirname "$0")"
headers=/usr/include/$(uname -m)-linux-gnu
for source in *.bpf.c; do
	cpu=$(sed -n '1s,^// cpu: ,,p' "$source")
	output=${1:-.}/${source%.c}.o
	"${CLANG:-clang-19}" -O2 -g -Wall -Werror -mcpu="${cpu:-v3}" -target bpf -I"$headers" -ffile-prefix-map="$PWD"=. \
		-fdebug-compilation-dir=. -c "$source" -o "$output"
	"${LLVM_STRIP:-llvm-strip-19}" -g "$output"
done
