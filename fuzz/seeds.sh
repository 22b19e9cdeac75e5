#!/bin/sh
# Makes the first inputs of the targets from the shipped objects, the capture and a few filters:
# fuzz/corpus/{elf,listing,link,btf,core,pcap,pcapng,classic}. Needs llvm-objcopy-19 and tcpdump. The corpus is not committed; it grows as the targets run.
set -eu
cd "$(dirname "$0")/.."
for target in elf listing link btf core classic; do mkdir -p "fuzz/corpus/$target"; done
for object in examples/*/*.bpf.o tests/programs/*.bpf.o crates/skep-object/tests/data/listing/*.o; do
    name=$(basename "$object" .o)
    # Without DWARF an object is small, and a random change is likely to matter.
    llvm-objcopy-19 --strip-debug "$object" "fuzz/corpus/elf/$name"
    cp "fuzz/corpus/elf/$name" "fuzz/corpus/listing/$name"
    cp "fuzz/corpus/elf/$name" "fuzz/corpus/link/$name"
    for section in .BTF .BTF.ext; do
        llvm-objcopy-19 --dump-section "$section=fuzz/corpus/btf/$name$section" "$object" /dev/null 2>/dev/null || true
    done
done
# Programs that use every kind of relocation.
for source in crates/skep-kernel/tests/relocated/*.bpf.c; do
    name=$(basename "$source" .bpf.c)
    clang-19 -O2 -g -target bpf "-I/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "fuzz/corpus/$name.o"
    llvm-objcopy-19 --dump-section ".BTF=fuzz/corpus/btf/$name.BTF" "fuzz/corpus/$name.o" /dev/null
    llvm-objcopy-19 --strip-debug "fuzz/corpus/$name.o" "fuzz/corpus/elf/$name"
    rm "fuzz/corpus/$name.o"
    # The other byte order.
    clang-19 -O2 -g -target bpfeb "-I/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "fuzz/corpus/elf/$name.big"
    length=$(wc -c < "fuzz/corpus/btf/$name.BTF")
    printf "\\$(printf '%03o' $((length % 256)))\\$(printf '%03o' $((length / 256)))" > "fuzz/corpus/core/$name"
    cat "fuzz/corpus/btf/$name.BTF" "fuzz/corpus/btf/$name.BTF" >> "fuzz/corpus/core/$name"
done
for filter in "tcp port 80" "vlan 5 and ip6" "ip[2:2] / ip[8] > 9" "inbound" "ip[ip[8]] = 0"; do
    for form in d dd ddd; do
        tcpdump -y EN10MB "-$form" "$filter" > "fuzz/corpus/classic/$(echo "$filter" | tr -dc a-z0-9)-$form"
    done
done
ls fuzz/corpus/elf fuzz/corpus/btf fuzz/corpus/classic | wc -l
