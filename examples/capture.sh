#!/bin/sh
# Makes examples/capture.pcap again: real clients and servers in two network namespaces of this script's own, joined by
# a veth pair with all offloads off. Needs root and (Debian) iproute2 ethtool tcpdump curl python3 dnsmasq-base
# bind9-dnsutils iperf3 iputils-ping clang-19 libbpf-dev. The committed file was made by it; a new one differs in times and ports.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=
cleanup() {
	for pid in $pids; do kill "$pid" 2>/dev/null || true; done
	ip netns del skep-client 2>/dev/null || true
	ip netns del skep-server 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
client() { ip netns exec skep-client "$@"; }
server() { ip netns exec skep-server "$@"; }
# `ip netns exec` becomes the command, so the id is the command's.
background() { side=$1; shift; ip netns exec "skep-$side" "$@" >>"$work/log" 2>&1 & pids="$pids $!"; }

cat >"$work/tag.c" <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
SEC("tc/push") int push(struct __sk_buff *skb)
{
	__u8 to[3] = {};

	if (skb->protocol == bpf_htons(0x0800) && !bpf_skb_load_bytes(skb, 14 + 16, to, 3) && to[0] == 10 && to[1] == 78)
		bpf_skb_vlan_push(skb, bpf_htons(0x8100), 7);
	return 0;
}
SEC("tc/pop") int pop(struct __sk_buff *skb)
{
	if (skb->vlan_present || skb->protocol == bpf_htons(0x8100))
		bpf_skb_vlan_pop(skb);
	return 0;
}
char _license[] SEC("license") = "Dual MIT/GPL";
END
clang-19 -O2 -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c "$work/tag.c" -o "$work/tag.o"
ip netns add skep-client
ip netns add skep-server
ip -n skep-client link add veth0 type veth peer name veth0 netns skep-server
number=1
for side in skep-client skep-server; do
	ip netns exec "$side" ethtool -K veth0 tx off rx off tso off gso off gro off sg off txvlan off rxvlan off >/dev/null
	ip -n "$side" link set lo up
	ip -n "$side" link set veth0 up
	ip -n "$side" address add "10.77.0.$number/24" dev veth0
	ip -n "$side" address add "fd77::$number/64" dev veth0 nodad
	# What goes between the 10.78.0.0/24 addresses is tagged with VLAN 7 on the wire.
	ip -n "$side" address add "10.78.0.$number/24" dev veth0
	ip netns exec "$side" tc qdisc add dev veth0 clsact
	ip netns exec "$side" tc filter add dev veth0 egress bpf direct-action obj "$work/tag.o" section tc/push
	ip netns exec "$side" tc filter add dev veth0 ingress bpf direct-action obj "$work/tag.o" section tc/pop
	number=2
done

mkdir "$work/www"
for size in 1 10 40; do head -c "${size}000" /dev/urandom | base64 >"$work/www/$size"; done
background client tcpdump -q -i veth0 -s 0 -U -w "$work/capture.pcap"
background server python3 -m http.server -d "$work/www" --bind :: 8080
background server python3 -m http.server -d "$work/www" --bind 0.0.0.0 80
background server dnsmasq -k -C /dev/null --no-resolv --no-hosts --port=53 --bind-interfaces --interface=veth0 \
	--address=/straw.test/10.77.0.2 --address=/straw.test/fd77::2 --txt-record=bee.test,honey
background server iperf3 -s -p 5201
sleep 2

client ping -q -c 40 -i 0.02 10.77.0.2
client ping -q -c 20 -i 0.02 -s 1000 fd77::2
# Larger than the MTU: these arrive in fragments.
client ping -q -c 15 -i 0.02 -s 4000 10.77.0.2
client ping -q -c 10 -i 0.02 -s 4000 fd77::2
client ping -q -c 25 -i 0.02 10.78.0.2
for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
	client curl -s -o /dev/null "http://10.77.0.2/1"
	client curl -s -o /dev/null "http://10.77.0.2/missing"
	client curl -s -o /dev/null "http://[fd77::2]:8080/10"
	client curl -s -o /dev/null "http://10.78.0.2/1"
	client dig +tries=1 @10.77.0.2 straw.test A >/dev/null
	client dig +tries=1 @fd77::2 straw.test AAAA >/dev/null
	client dig +tries=1 @10.77.0.2 "host$round.straw.test" A >/dev/null
	client dig +tries=1 @10.77.0.2 bee.test TXT >/dev/null
	client dig +tries=1 +tcp @10.77.0.2 "nothing$round.test" A >/dev/null
done
client curl -s -o /dev/null "http://10.77.0.2/40"
client curl -s -o /dev/null "http://10.78.0.2/40"
# Bulk: one stream each way, one with small segments, one of datagrams.
client iperf3 -c 10.77.0.2 -n 400K >/dev/null
client iperf3 -c 10.77.0.2 -n 100K -M 400 -R >/dev/null
client iperf3 -c fd77::2 -u -b 2M -l 600 -n 60K >/dev/null
sleep 1
for pid in $pids; do kill "$pid" 2>/dev/null || true; done
wait
cp "$work/capture.pcap" "$here/capture.pcap"
