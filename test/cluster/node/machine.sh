#!/bin/sh
# The first process of a node, in network, mount and process namespaces of its own: sets them up
# and waits. When it ends, all that ran in them ends, and so do their mounts and network devices.
set -eu
folder=$1 cgroup=$2 pause=$3

mkdir -p "$folder/lib" "$folder/log" "$folder/sysctl"
mount -t tmpfs tmpfs /run
mount --bind "$folder/lib" /var/lib
mount --bind "$folder/log" /var/log
mount -t bpf bpf /sys/fs/bpf

# These hold for the whole machine, some until it starts anew: kubelet and Cilium set copies.
for value in kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes \
  kernel/timer_migration kernel/unprivileged_bpf_disabled vm/overcommit_memory vm/panic_on_oom; do
  [ -e "/proc/sys/$value" ] || continue
  copy=$folder/sysctl/$(basename "$value")
  cat "/proc/sys/$value" >"$copy"
  mount --bind "$copy" "/proc/sys/$value"
done

# The root of the kubelet's cgroups: with cgroup v1 one in each hierarchy, and in cpuset with what
# it inherits.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir "/sys/fs/cgroup/$cgroup"
else
  for hierarchy in /sys/fs/cgroup/*/; do
    mkdir "$hierarchy$cgroup"
    for file in cpuset.cpus cpuset.mems; do
      if [ -e "$hierarchy$file" ]; then cat "$hierarchy$file" >"$hierarchy$cgroup/$file"; fi
    done
  done
fi

# The node, and behind it a namespace for all that is outside the cluster, which leads nowhere.
ip netns add outside
ip link add eth0 type veth peer name eth0 netns outside
ip link set lo up
ip address add 10.89.0.1/24 dev eth0
ip link set eth0 up
ip -n outside link set lo up
ip -n outside address add 10.89.0.2/24 dev eth0
ip -n outside link set eth0 up
ip -n outside route add 10.244.0.0/16 via 10.89.0.1
for address in 192.0.2.10 198.51.100.7 203.0.113.4 100.64.0.20 100.64.0.200 8.8.8.8; do
  ip -n outside address add "$address/32" dev lo
done
ip route add default via 10.89.0.2
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter

touch "$folder/ready"
exec "$pause"
