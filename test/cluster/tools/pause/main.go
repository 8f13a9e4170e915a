// The first process of a pod, and of the node: waits, reaps what nobody waits for, ends when told.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGCHLD, syscall.SIGTERM, syscall.SIGINT)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			ended, _ := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if ended <= 0 {
				break
			}
		}
	}
}
