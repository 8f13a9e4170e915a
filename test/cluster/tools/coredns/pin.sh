#!/usr/bin/env bash
# Makes go.mod and go.sum anew: run it in this folder with another version to move to it.
set -euo pipefail
cd "$(dirname "$0")"
rm -f go.mod go.sum
go mod init qrng-bridge/test/cluster/tools/coredns
go get github.com/coredns/coredns@v1.14.7
go mod tidy
