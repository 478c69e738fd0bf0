// Package kafkatest runs the embedded broker, kfake, in a process of its own, with
// its data on disk and faults on demand. kfake panics on hostile frames, so it
// never shares a process with the code under test: [Start] runs the test binary again,
// and [Serve], called first in its TestMain, makes that process a cluster. Both exchange
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

// Credentials of the super user of a cluster with Options.Users.
const (
	SuperUser     = "admin"
	SuperPassword = "admin-password"
)

// Options are the options of a cluster. The zero value is one plaintext broker.
type Options struct {
	Brokers   int               // default 1; all share one log
	TLS       *TLS              // nil: plaintext
	Users     map[string]string // passwords by name; nil: no SASL
	Mechanism string            // of SASL for Users; default PLAIN. The super user has PLAIN only.
	ACLs      bool              // users have only the rights that they are granted
}

// TLS names PEM files. A broker reads them for each connection.
type TLS struct {
	Certificate, Key string
	ClientCA         string // empty: client certificates are not requested
}

// config is what the broker process is started with.
type config struct {
	Options
	Ports []int
	Dir   string
}

// Cluster is kfake in a process of its own. It may be stopped and started again on the
// same ports with the same data. Any call may fail the test.
type Cluster struct {
	Options // used by the next start

	t       testing.TB
	dir     string
	ports   []int
	process *exec.Cmd // nil: not running
	control *control
}

// Start starts a cluster, which is stopped at the end of the test.
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

// begin starts a new cluster. If another process takes a port after it was chosen, begin
// chooses others.
func (c *Cluster) begin() {
	c.t.Helper()
	c.launch(func() { c.ports = freePorts(c.t, c.Brokers) })
}

// launch starts the process, and retries while its ports are in use.
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
		defer l.Close() // not before all are chosen, since they must differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Address returns the address of the first broker.
func (c *Cluster) Address() string { return c.Addresses()[0] }

// Addresses returns the addresses of the brokers.
func (c *Cluster) Addresses() (all []string) {
	for _, p := range c.ports {
		all = append(all, net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
	}
	return all
}

// Resume starts the process again on the same ports. It waits if a connection of another
// process uses one of them as its local port.
func (c *Cluster) Resume() {
	c.t.Helper()
	c.launch(func() {})
}

// start starts the process. After an error the process has ended.
func (c *Cluster) start() error {
	text, err := json.Marshal(config{c.Options, c.ports, c.dir})
	if err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(c.dir, "sasl.json")) // otherwise passwords would not change; it may not exist
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
		_ = process.Wait() // reports that it was killed
		c.process = nil
		return err
	}
	return nil
}

// Stop ends the process cleanly: it flushes its data.
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

// Kill ends the process like a crash.
func (c *Cluster) Kill() {
	c.t.Helper()
	if err := c.process.Process.Kill(); err != nil {
		c.t.Fatal(err)
	}
	_ = c.process.Wait() // reports that it was killed
	c.process = nil
}

// Apart runs the stopped cluster during f, on ports that no client knows, and stops it
// again.
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

// Create creates a topic.
func (c *Cluster) Create(topic string, partitions int32, configs map[string]string) {
	c.t.Helper()
	c.do(request{Op: "create", Topic: topic, Partitions: partitions, Configs: configs})
}

// Delete deletes a topic.
func (c *Cluster) Delete(topic string) {
	c.t.Helper()
	c.do(request{Op: "delete", Topic: topic})
}

// Recreate deletes a topic and at once creates another of its name with one partition.
func (c *Cluster) Recreate(topic string) {
	c.t.Helper()
	c.do(request{Op: "recreate", Topic: topic, Partitions: 1})
}

// Trim deletes the records below an offset; -1 deletes all.
func (c *Cluster) Trim(topic string, start int64) {
	c.t.Helper()
	c.do(request{Op: "trim", Topic: topic, Offset: start})
}

// Move gives a topic another leader and a new epoch.
func (c *Cluster) Move(topic string, node int32) {
	c.t.Helper()
	c.do(request{Op: "move", Topic: topic, Node: node})
}

// Info returns the state of a topic's partition 0.
func (c *Cluster) Info(topic string) Info {
	c.t.Helper()
	return c.do(request{Op: "info", Topic: topic}).Info
}

// Slow delays every later request of a kind.
func (c *Cluster) Slow(key int16, delay time.Duration) {
	c.t.Helper()
	c.do(request{Op: "slow", Key: key, Delay: delay})
}

// Throttle answers the next fetch request with a throttle time and no records.
func (c *Cluster) Throttle(pause time.Duration) {
	c.t.Helper()
	c.do(request{Op: "throttle", Delay: pause})
}

// Swallow drops every answer until [Cluster.Flow].
func (c *Cluster) Swallow() {
	c.t.Helper()
	c.do(request{Op: "swallow"})
}

// Flow ends [Cluster.Swallow] for new connections.
func (c *Cluster) Flow() {
	c.t.Helper()
	c.do(request{Op: "flow"})
}

// Cut closes every connection.
func (c *Cluster) Cut() {
	c.t.Helper()
	c.do(request{Op: "cut"})
}

// LimitFiles makes writes fail that would exceed a file size; 0 removes the limit.
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

// Hits returns how many requests the fault has affected.
func (h Handle) Hits() int {
	h.cluster.t.Helper()
	return h.cluster.do(request{Op: "hits", ID: h.id}).Hits
}

// Remove ends the fault.
func (h Handle) Remove() {
	h.cluster.t.Helper()
	h.cluster.do(request{Op: "unfault", ID: h.id})
}
