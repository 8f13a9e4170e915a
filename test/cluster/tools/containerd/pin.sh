#!/usr/bin/env bash
# Makes go.mod and go.sum anew: run it in this folder with another version to move to it.
set -euo pipefail
cd "$(dirname "$0")"
rm -f go.mod go.sum
go mod init qrng-bridge/test/cluster/tools/containerd
go get -tool github.com/containerd/containerd/v2/cmd/{containerd,containerd-shim-runc-v2,ctr}@v2.4.2
