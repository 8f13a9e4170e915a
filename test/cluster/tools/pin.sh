#!/usr/bin/env bash
# Makes go.mod and go.sum anew: run it in this folder with another version to move to it.
# k8s.io/kubernetes replaces its staging modules by paths, so each is pinned to the matching v0 release.
# Every `go get -tool` names the version: without it Go takes the newest, which does not resolve.
set -euo pipefail
cd "$(dirname "$0")"
kubernetes=v1.35.4
staging=v0${kubernetes#v1}
rm -f go.mod go.sum
go mod init qrng-bridge/test/cluster/tools
source=$(go mod download -json "k8s.io/kubernetes@$kubernetes" | jq -r .Dir)
for module in $(go mod edit -json "$source/go.mod" | jq -r '.Replace[]?.Old.Path'); do
  go mod edit -replace "$module=$module@$staging"
done
go get -tool k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy,kubectl}@$kubernetes
go get -tool go.etcd.io/etcd/server/v3
