#!/bin/sh
# Makes the first inputs of the targets from the shipped objects and the capture: fuzz/corpus/{elf,listing,btf,pcap,pcapng}.
# Needs llvm-objcopy-19. The corpus is not committed; it grows as the targets run.
set -eu
cd "$(dirname "$0")/.."
for target in elf listing btf; do mkdir -p "fuzz/corpus/$target"; done
for object in examples/*/*.bpf.o tests/programs/*.bpf.o crates/skep-object/tests/data/listing/*.o; do
    name=$(basename "$object" .o)
    # Without DWARF an object is small, and a random change is likely to matter.
    llvm-objcopy-19 --strip-debug "$object" "fuzz/corpus/elf/$name"
    cp "fuzz/corpus/elf/$name" "fuzz/corpus/listing/$name"
    for section in .BTF .BTF.ext; do
        llvm-objcopy-19 --dump-section "$section=fuzz/corpus/btf/$name$section" "$object" /dev/null 2>/dev/null || true
    done
done
ls fuzz/corpus/elf fuzz/corpus/btf | wc -l
