/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What libbpf makes of an object's programs: opens OBJECT, relocates it to the running kernel (or to the types in TYPES),
 * and prints `NAME SLOT…` for each program, a slot being sixteen hexadecimal digits. Nothing is loaded: the first program is
 * given a type that no kernel has, so that loading ends there, after everything has been relocated.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		vfprintf(stderr, format, args);
	return 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = argc > 2 ? argv[2] : NULL);
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_map *map;

	libbpf_set_print(quiet);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	object = bpf_object__open_file(argv[1], &options);
	if (!object)
		return 2;
	bpf_object__for_each_map(map, object)
		if (bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || !strchr(bpf_map__name(map), '.'))
			bpf_map__set_autocreate(map, false);
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, true);
		bpf_program__set_type(program, (enum bpf_prog_type)4096);
	}
	if (!bpf_object__load(object)) {
		fprintf(stderr, "a program of no type was loaded\n");
		return 3;
	}
	bpf_object__for_each_program(program, object) {
		const struct bpf_insn *insns = bpf_program__insns(program);
		const unsigned char *bytes = (const unsigned char *)insns;
		size_t count = bpf_program__insn_cnt(program);

		printf("%s ", bpf_program__name(program));
		for (size_t at = 0; at < count * sizeof(*insns); at++)
			printf("%02x", bytes[at]);
		printf("\n");
	}
	return 0;
}
