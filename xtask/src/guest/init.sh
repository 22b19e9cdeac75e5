#!/bin/busybox sh
# The first process of a guest: mounts the host's files, changes into them and runs /script there.
# Ports `out` and `err` are the command's output, `status` takes its exit status. What goes wrong is told on the console.
b=/bin/busybox

fail() {
	echo "guest: $*"
	$b poweroff -f
}

$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
for module in $($b cat /order); do
	$b insmod "/modules/$module" || fail "module $module"
done

# The host's files, with what is written kept in memory.
$b mount -t virtiofs -o ro host /host || fail "the host's files"
$b mount -t tmpfs memory /memory
$b mkdir /memory/upper /memory/work
$b mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root || fail "overlay"

root=/root
$b mount -t proc proc $root/proc
$b mount -t sysfs sysfs $root/sys
$b mount -t devtmpfs dev $root/dev
$b mkdir -p $root/dev/pts $root/dev/shm
$b mount -t devpts devpts $root/dev/pts
for folder in dev/shm tmp run; do
	$b mount -t tmpfs -o mode=1777 tmpfs $root/$folder
done
$b mount -t cgroup2 cgroup2 $root/sys/fs/cgroup || fail "cgroup2"
$b mount -t bpf bpf $root/sys/fs/bpf || fail "bpffs"
$b mount -t debugfs debugfs $root/sys/kernel/debug
$b mount -t tracefs tracefs $root/sys/kernel/tracing || fail "tracefs"
$b mount -t securityfs securityfs $root/sys/kernel/security
$b ip link set lo up
$b hostname guest
# Before 5.11, maps and programs are locked memory.
ulimit -l unlimited
$b cp /script $root/run/script
# The kernel's configuration, where libbpf and skep look for one that the kernel does not show itself.
$b mkdir -p $root/boot
$b cp /config "$root/boot/config-$($b uname -r)"

# The device of a port, by its name.
port() {
	tries=0
	while [ $tries -lt 100 ]; do
		for port in /sys/class/virtio-ports/*; do
			if [ "$($b cat "$port/name" 2>/dev/null)" = "$1" ] && [ -e "/dev/${port##*/}" ]; then
				echo "/dev/${port##*/}"
				return
			fi
		done
		tries=$((tries + 1))
		$b usleep 50000
	done
}

out=$(port out) err=$(port err) status=$(port status)
[ -n "$out" ] && [ -n "$err" ] && [ -n "$status" ] || fail "no ports"
# In a root that is not that of all mounts no user namespace can be made.
cd $root && $b mount --move . / || fail "the root"
$b chroot . /bin/sh /run/script </dev/null >"$out" 2>"$err"
echo $? >"$status"
$b poweroff -f
