// Package kafkatest is the embedded broker, kfake, in a process of its own, with
// its data on disk and faults on demand. kfake panics on hostile frames, so it
// never shares a process with what is tested: Start runs the test binary again,
// and Serve, first in its TestMain, makes that process a cluster. Both talk in
// lines of JSON over the process's standard input and output.
package kafkatest

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The user that may do everything in a cluster with Options.Users.
const (
	SuperUser     = "admin"
	SuperPassword = "admin-password"
)

// Options of a cluster. The zero value is one plain broker.
type Options struct {
	Brokers   int               // default 1; all share one log
	TLS       *TLS              // nil: plaintext
	Users     map[string]string // passwords by name; nil: no SASL
	Mechanism string            // of SASL for Users; default PLAIN. The super user has PLAIN only.
	ACLs      bool              // users have no rights but those that they are given
}

// TLS names files in PEM. A broker reads them for each connection.
type TLS struct {
	Certificate, Key string
	ClientCA         string // empty: no client certificate is asked for
}

// config is Options as the broker process takes them.
type config struct {
	Options
	Ports []int
	Dir   string
}

// Cluster is a kfake in a process of its own. It may be ended and started again
// on the same ports with the same data. Any call may fail the test.
type Cluster struct {
	Options // what the next start takes

	t       testing.TB
	dir     string
	ports   []int
	process *exec.Cmd // nil: not running
	control *control
}

// Start starts a cluster; it ends with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	o.Brokers = max(o.Brokers, 1)
	if o.Mechanism == "" {
		o.Mechanism = "PLAIN"
	}
	c := &Cluster{Options: o, t: t, dir: t.TempDir()}
	c.begin()
	t.Cleanup(func() {
		if c.process != nil {
			c.Stop()
		}
	})
	return c
}

// begin starts a new cluster. Another process may take a port after it was chosen and before
// the cluster does: then others are chosen.
func (c *Cluster) begin() {
	c.t.Helper()
	c.launch(func() { c.ports = freePorts(c.t, c.Brokers) })
}

// launch starts the process, and again for as long as its ports are taken.
func (c *Cluster) launch(before func()) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		before()
		err := c.start()
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) || time.Now().After(end) {
			c.t.Fatal(err)
		}
	}
}

func freePorts(t testing.TB, n int) (ports []int) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // not before all are chosen: they must differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Address is the first broker's.
func (c *Cluster) Address() string { return c.Addresses()[0] }

// Addresses are the brokers'.
func (c *Cluster) Addresses() (all []string) {
	for _, p := range c.ports {
		all = append(all, net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
	}
	return all
}

// Resume starts the process again, at the same ports. A connection of another process may
// have one of them at its own end, and gives it back.
func (c *Cluster) Resume() {
	c.t.Helper()
	c.launch(func() {})
}

// start starts the process. It has ended when that fails.
func (c *Cluster) start() error {
	text, err := json.Marshal(config{c.Options, c.ports, c.dir})
	if err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(c.dir, "sasl.json")) // else passwords stay as they were; there may be none
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), environment+"="+string(text))
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	c.process, c.control = process, &control{in: in, out: bufio.NewReader(out)}
	if _, err := c.control.read("start"); err != nil {
		_ = process.Process.Kill()
		_ = process.Wait() // it was killed
		c.process = nil
		return err
	}
	return nil
}

// Stop ends the process in order: it writes out what it holds.
func (c *Cluster) Stop() {
	c.t.Helper()
	if err := c.process.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := c.process.Wait(); err != nil {
		c.t.Fatalf("broker: %v", err)
	}
	c.process = nil
}

// Kill ends the process as a crash does.
func (c *Cluster) Kill() {
	c.t.Helper()
	if err := c.process.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.process.Wait() // says that it was killed
	c.process = nil
}

// Apart runs f on the stopped cluster's data, on ports that no client of it
// knows, and stops it again.
func (c *Cluster) Apart(f func()) {
	c.t.Helper()
	known := c.ports
	c.ports = freePorts(c.t, len(known))
	c.Resume()
	f()
	c.Stop()
	c.ports = known
}

func (c *Cluster) do(r request) reply {
	c.t.Helper()
	answer, err := c.control.call(r)
	if err != nil {
		c.t.Fatalf("broker: %v", err)
	}
	return answer
}

// Create makes a topic.
func (c *Cluster) Create(topic string, partitions int32, configs map[string]string) {
	c.t.Helper()
	c.do(request{Op: "create", Topic: topic, Partitions: partitions, Configs: configs})
}

// Delete removes a topic.
func (c *Cluster) Delete(topic string) {
	c.t.Helper()
	c.do(request{Op: "delete", Topic: topic})
}

// Recreate removes a topic and makes another of its name with one partition at once.
func (c *Cluster) Recreate(topic string) {
	c.t.Helper()
	c.do(request{Op: "recreate", Topic: topic, Partitions: 1})
}

// Trim removes the records below an offset; -1 removes all.
func (c *Cluster) Trim(topic string, start int64) {
	c.t.Helper()
	c.do(request{Op: "trim", Topic: topic, Offset: start})
}

// Move gives a topic another leader, and a new epoch.
func (c *Cluster) Move(topic string, node int32) {
	c.t.Helper()
	c.do(request{Op: "move", Topic: topic, Node: node})
}

// Info tells about a topic's partition 0.
func (c *Cluster) Info(topic string) Info {
	c.t.Helper()
	return c.do(request{Op: "info", Topic: topic}).Info
}

// Slow delays every later request of a kind.
func (c *Cluster) Slow(key int16, delay time.Duration) {
	c.t.Helper()
	c.do(request{Op: "slow", Key: key, Delay: delay})
}

// Throttle answers the next request to fetch with a pause that the client is to make, and no records.
func (c *Cluster) Throttle(pause time.Duration) {
	c.t.Helper()
	c.do(request{Op: "throttle", Delay: pause})
}

// Swallow keeps every answer from its client, until Flow.
func (c *Cluster) Swallow() {
	c.t.Helper()
	c.do(request{Op: "swallow"})
}

// Flow lets answers to new connections through again.
func (c *Cluster) Flow() {
	c.t.Helper()
	c.do(request{Op: "flow"})
}

// Cut closes every connection.
func (c *Cluster) Cut() {
	c.t.Helper()
	c.do(request{Op: "cut"})
}

// LimitFiles makes writes fail that would make a file larger than that; 0 lifts it.
func (c *Cluster) LimitFiles(bytes uint64) {
	c.t.Helper()
	c.do(request{Op: "limit", Bytes: bytes})
}

// Handle is an installed fault.
type Handle struct {
	cluster *Cluster
	id      int
}

// Fault installs a fault.
func (c *Cluster) Fault(f Fault) Handle {
	c.t.Helper()
	return Handle{c, c.do(request{Op: "fault", Fault: &f}).ID}
}

// Hits is how many requests have met the fault.
func (h Handle) Hits() int {
	h.cluster.t.Helper()
	return h.cluster.do(request{Op: "hits", ID: h.id}).Hits
}

// Remove ends the fault.
func (h Handle) Remove() {
	h.cluster.t.Helper()
	h.cluster.do(request{Op: "unfault", ID: h.id})
}
