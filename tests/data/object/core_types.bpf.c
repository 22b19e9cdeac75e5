// SPDX-License-Identifier: MIT OR GPL-2.0
// Types of a kernel that never was, for programs to be adapted to: Ethernet and IPv4 as they are on the wire.
struct ethhdr {
	unsigned char h_dest[6];
	unsigned char h_source[6];
	unsigned short h_proto;
} __attribute__((packed));

struct iphdr {
	unsigned char ihl : 4, version : 4;
	unsigned char tos;
	unsigned short tot_len;
	unsigned short id;
	unsigned short frag_off;
	unsigned char ttl;
	union {
		unsigned char protocol;
		unsigned char next;
	};
};

enum ip_protocol { IP_ICMP = 1, IP_TCP = 6, IP_UDP = 17 };

struct ethhdr ethernet;
struct iphdr ip;
enum ip_protocol protocol;
