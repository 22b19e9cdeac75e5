#!/bin/sh
# Makes the first inputs of the targets from the shipped objects, the capture and a few filters:
# fuzz/corpus/{elf,listing,btf,core,pcap,pcapng,classic}. Needs llvm-objcopy-19 and tcpdump. The corpus is not committed; it grows as the targets run.
set -eu
cd "$(dirname "$0")/.."
for target in elf listing btf core classic; do mkdir -p "fuzz/corpus/$target"; done
for object in examples/*/*.bpf.o tests/programs/*.bpf.o crates/skep-object/tests/data/listing/*.o; do
    name=$(basename "$object" .o)
    # Without DWARF an object is small, and a random change is likely to matter.
    llvm-objcopy-19 --strip-debug "$object" "fuzz/corpus/elf/$name"
    cp "fuzz/corpus/elf/$name" "fuzz/corpus/listing/$name"
    for section in .BTF .BTF.ext; do
        llvm-objcopy-19 --dump-section "$section=fuzz/corpus/btf/$name$section" "$object" /dev/null 2>/dev/null || true
    done
    # A program's types as the kernel's too, with an access string first.
    types="fuzz/corpus/btf/$name.BTF"
    if [ -f "$types" ] && [ "$(wc -c < "$types")" -lt 65536 ]; then
        length=$(wc -c < "$types")
        printf "\\$(printf '%03o' $((length % 256)))\\$(printf '%03o' $((length / 256)))" > "fuzz/corpus/core/$name"
        cat "$types" "$types" >> "fuzz/corpus/core/$name"
    fi
done
for filter in "tcp port 80" "vlan 5 and ip6" "ip[2:2] / ip[8] > 9" "inbound" "ip[ip[8]] = 0"; do
    for form in d dd ddd; do
        tcpdump -y EN10MB "-$form" "$filter" > "fuzz/corpus/classic/$(echo "$filter" | tr -dc a-z0-9)-$form"
    done
done
ls fuzz/corpus/elf fuzz/corpus/btf fuzz/corpus/classic | wc -l
