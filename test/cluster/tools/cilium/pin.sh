#!/usr/bin/env bash
# Makes go.mod and go.sum anew: run it in this folder with another version to move to it.
# Cilium's own requirements and its replace lines, nothing else; every `go get` names the version.
# go.sum begins as Cilium's own, for which the checksum database vouches: of a fork that it replaces
# a module by, the database itself has no hash.
set -euo pipefail
cd "$(dirname "$0")"
cilium=v1.19.5
module=github.com/cilium/cilium
rm -f go.mod go.sum
go mod init qrng-bridge/test/cluster/tools/cilium
source=$(go mod download -json "$module@$cilium" | jq -r .Dir)
go mod edit -json "$source/go.mod" |
  jq -r '.Replace[]? | "\(.Old.Path)=\(.New.Path)@\(.New.Version)"' |
  while read -r replacement; do go mod edit -replace "$replacement"; done
go mod edit -go="$(go mod edit -json "$source/go.mod" | jq -r .Go)"
cp "$source/go.sum" go.sum
chmod 644 go.sum
for package in daemon plugins/cilium-cni; do go get -tool "$module/$package@$cilium"; done
