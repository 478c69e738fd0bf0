// Command osnkafka is the tool of operators of channels that order through Kafka; see
// package admin.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/fabric-kafka/orderer/network/admin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := admin.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
