package kafka_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// brokerPorts makes the test binary a cluster: kfake panics on hostile frames, so
// it never shares a process with what is tested.
const brokerPorts = "KAFKA_TEST_BROKER_PORTS"

func serve(ports, dir string) {
	var numbers []int
	for p := range strings.SplitSeq(ports, ",") {
		n, err := strconv.Atoi(p)
		if err != nil {
			panic(err)
		}
		numbers = append(numbers, n)
	}
	c, err := kfake.NewCluster(kfake.Ports(numbers...), kfake.DataDir(dir))
	if err != nil {
		panic(err)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	os.Stdout.WriteString("ready\n")
	<-end
	c.Close()
	os.Exit(0)
}

// cluster is a kfake in a process of its own, with its data on disk.
type cluster struct {
	address string // of the first broker
	ports   []string
	dir     string
	process *exec.Cmd
}

func startCluster(t testing.TB, brokers int) *cluster {
	c := &cluster{dir: t.TempDir(), ports: freePorts(t, brokers)}
	c.address = net.JoinHostPort("127.0.0.1", c.ports[0])
	c.start(t)
	t.Cleanup(func() { c.end(t) })
	return c
}

func freePorts(t testing.TB, n int) (ports []string) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // not before all are chosen: they must differ
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports
}

func (c *cluster) start(t testing.TB) {
	c.process = exec.Command(os.Args[0], c.dir)
	c.process.Env = append(os.Environ(), brokerPorts+"="+strings.Join(c.ports, ","))
	c.process.Stderr = os.Stderr
	out, err := c.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.process.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("broker says %q, %v", line, err)
	}
}

func (c *cluster) end(t testing.TB) {
	_ = c.process.Process.Signal(syscall.SIGTERM)
	if err := c.process.Wait(); err != nil {
		t.Logf("broker: %v", err)
	}
}
