// Package broker is the embedded broker: franz-go's kfake, for first steps and
// fast tests. It speaks Kafka's protocol, keeps its data on disk, and is neither
// replicated nor hardened: it runs in a process of its own, on loopback only.
package broker

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Ready is the line that Run prints once clients can connect.
const Ready = "broker is ready"

// Run serves one broker on a loopback port until ctx ends, then writes its data
// to disk.
func Run(ctx context.Context, address, dir string, out io.Writer) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if host != "127.0.0.1" {
		return fmt.Errorf("the embedded broker listens on 127.0.0.1 only, not on %q", host)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("port %q: %w", port, err)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(n), kfake.DataDir(dir))
	if err != nil {
		return err
	}
	defer cluster.Close()
	fmt.Fprintln(out, Ready)
	<-ctx.Done()
	return nil
}
