/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What libbpf makes of an object's programs: opens OBJECT, relocates it to the running kernel (or to the types in TYPES),
 * and prints `NAME SLOT…` for each program, a slot being sixteen hexadecimal digits. Nothing is loaded: the first program is
 * given a type that no kernel has, so that loading ends there, after everything has been relocated.
 *
 * `oracle load OBJECT PROGRAM…` loads these programs one by one, prints the names of those the kernel takes, and drops
 * them. Maps that their tools size at run time get a size.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		vfprintf(stderr, format, args);
	return 0;
}

static int takes(const char *path, const char *name)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;
	int taken;

	if (!object)
		return 0;
	bpf_object__for_each_map(map, object) {
		if (bpf_map__max_entries(map) == 0 && bpf_map__type(map) != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			bpf_map__set_max_entries(map, 64);
		if (bpf_map__type(map) == BPF_MAP_TYPE_STACK_TRACE && bpf_map__value_size(map) == 0)
			bpf_map__set_value_size(map, 8 * 127);
	}
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	taken = !bpf_object__load(object);
	bpf_object__close(object);
	return taken;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = argc > 2 ? argv[2] : NULL);
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_map *map;

	libbpf_set_print(quiet);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (argc > 2 && !strcmp(argv[1], "load")) {
		for (int at = 3; at < argc; at++) {
			if (takes(argv[2], argv[at]))
				printf("%s\n", argv[at]);
			usleep(1000);
		}
		return 0;
	}
	object = bpf_object__open_file(argv[1], &options);
	if (!object)
		return 2;
	bpf_object__for_each_map(map, object)
		if (bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || !strchr(bpf_map__name(map), '.'))
			bpf_map__set_autocreate(map, false);
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, true);
		/* Only this makes libbpf read the running kernel's types where others are given; that it finds nothing is right. */
		if (argc > 2)
			bpf_program__set_attach_target(program, 0, "no_such_function");
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
