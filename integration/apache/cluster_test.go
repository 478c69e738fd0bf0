// Package apache runs the contract of package log on Apache Kafka itself, in the
// versions that the network tool knows. See ../README.md.
package apache

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/network/apache"
)

// only limits the tests to one version.
var only = flag.String("kafka", "", "version of Apache Kafka, or a prefix of it; all known versions when empty")

// onEachVersion runs a test on every known version, or on the one that -kafka selects.
func onEachVersion(t *testing.T, f func(*testing.T, apache.Version)) {
	t.Helper()
	versions := apache.Versions
	if *only != "" {
		v, err := apache.Find(*only)
		if err != nil {
			t.Fatal(err)
		}
		versions = []apache.Version{v}
	}
	for _, v := range versions {
		t.Run(v.Number, func(t *testing.T) { f(t, v) })
	}
}

// nodes is the size of the smallest cluster that survives the loss of one node.
const nodes = 3

// timeout is the limit for each operation of a cluster.
const timeout = 90 * time.Second

// cluster is a cluster of Apache Kafka.
type cluster struct {
	*apache.Cluster
	t         *testing.T
	processes []*exec.Cmd
	env       []string // of the nodes, in addition to the test's
}

func startCluster(t *testing.T, v apache.Version) *cluster {
	t.Helper()
	c := newCluster(t, v, nodes)
	c.start()
	return c
}

// newCluster returns a cluster that is not started.
func newCluster(t *testing.T, v apache.Version, nodes int) *cluster {
	t.Helper()
	kafka, err := apache.Install(t.Context(), v, filepath.Join("..", "..", ".build", "kafka"), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{Cluster: &apache.Cluster{Kafka: kafka, Dir: t.TempDir()}, t: t, processes: make([]*exec.Cmd, nodes)}
	for i := range nodes {
		c.Nodes = append(c.Nodes, apache.Node{ID: i + 1, Address: freeAddress(t), Controller: freeAddress(t)})
	}
	t.Cleanup(c.stop)
	return c
}

// freeAddress returns an unused address that it has not returned before. Its port is outside the kernel's
// ephemeral range: another process's connection could take it while a broker is down.
func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addr().String()
		l.Close()
		if _, given := addresses.LoadOrStore(at, true); !given {
			return at
		}
	}
}

var addresses sync.Map

func (c *cluster) addresses() (all []string) {
	for _, n := range c.Nodes {
		all = append(all, n.Address)
	}
	return all
}

// start starts every node and waits until all of them accept requests.
func (c *cluster) start() {
	c.t.Helper()
	for i, n := range c.Nodes {
		if err := c.Prepare(n); err != nil {
			c.t.Fatal(err)
		}
		out, err := os.OpenFile(filepath.Join(c.Dir, fmt.Sprintf("broker%d.log", n.ID)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			c.t.Fatal(err)
		}
		defer out.Close()
		line := c.Command(n)
		p := exec.Command(line[0], line[1:]...)
		p.Stdout, p.Stderr, p.Env = out, out, append(os.Environ(), c.env...)
		p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := p.Start(); err != nil {
			c.t.Fatal(err)
		}
		c.processes[i] = p
	}
	for _, n := range c.Nodes {
		if err := apache.Serving(c.t.Context(), n.Address); err != nil {
			c.t.Fatalf("%v; see %s", err, c.Dir)
		}
	}
}

// stop kills every node.
func (c *cluster) stop() {
	for i, p := range c.processes {
		if p != nil {
			_ = p.Process.Kill() // it may have exited
			_ = p.Wait()
			c.processes[i] = nil
		}
	}
}

// admin retries f until it succeeds.
func (c *cluster) admin(what string, f func(sarama.ClusterAdmin) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for {
		err := c.administer(f)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			c.t.Fatalf("%s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *cluster) administer(f func(sarama.ClusterAdmin) error) error {
	a, err := sarama.NewClusterAdmin(c.addresses(), clientConfig())
	if err != nil {
		return err
	}
	defer a.Close()
	return f(a)
}

func clientConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Metadata.AllowAutoTopicCreation = false
	return config
}
