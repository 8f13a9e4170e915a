#!/bin/sh
# Removes what outlives the processes of a node: its cgroups, once they are empty, and its folder.
folder=$1 cgroup=$2
for try in $(seq 300); do
  find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null
  [ -z "$(find /sys/fs/cgroup -type d -name "$cgroup")" ] && break
  sleep 0.1
done
rm -rf "$folder"
