module qrng-bridge/test/cluster/tools/pause

go 1.26
