// Package integration_test runs real orderers, peers and brokers as processes
// on the loopback interface and exposes them to the faults of production.
package integration_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// brokers selects the brokers of the networks, as --brokers of the network tool does.
var brokers = flag.String("brokers", "embedded", "embedded, apache, or apache:VERSION")

// nodes is the number of brokers in a network on Apache Kafka.
const nodes = 3

func TestIntegration(t *testing.T) {
	RegisterFailHandler(Fail)
	suite, reporter := GinkgoConfiguration()
	if err := narrow(&suite, *part); err != nil {
		t.Fatal(err)
	}
	RunSpecs(t, "Ordering through Kafka", suite, reporter)
}

// binaries is the folder with the executables that the suite starts.
var binaries string

var _ = BeforeSuite(func(ctx SpecContext) {
	root, err := filepath.Abs("..")
	Expect(err).NotTo(HaveOccurred())
	binaries = filepath.Join(root, ".build", "bin")
	Expect(fabricnet.Build(ctx, root, binaries)).To(Succeed())
	SetDefaultEventuallyTimeout(2 * time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
}, NodeTimeout(15*time.Minute))

// basePort is the lowest port of the next network. Networks share no ports, since those of the last may still be in use.
var basePort = flag.Int("base-port", 19050, "lowest port of the first network; each takes 700")

// raise starts a network for the specs of a container and removes it after them.
func raise(ctx context.Context, o fabricnet.Options) *world {
	dir, err := os.MkdirTemp("", "kafka-network-")
	Expect(err).NotTo(HaveOccurred())
	o.Dir, o.BasePort, o.Profiled = filepath.Join(dir, "net"), *basePort, o.Profiled || len(o.Raft) > 0 // see passDefect
	*basePort += 700
	return newWorld(up(ctx, o, cmp.Or(o.BrokerCount, nodes)))
}

// up starts a network on the brokers of this run.
func up(ctx context.Context, o fabricnet.Options, count int) *fabricnet.Network {
	o.Bin, o.Progress = cmp.Or(o.Bin, binaries), GinkgoWriter
	Expect(o.UseBrokers([]string{*brokers})).To(Succeed())
	if o.Apache != "" {
		o.BrokerCount = count
	}
	n, err := fabricnet.Up(ctx, o)
	Expect(err).NotTo(HaveOccurred())
	logs, err := n.Logs()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() {
		if CurrentSpecReport().Failed() {
			if saved, err := fabricnet.Open(n.Dir()); err == nil {
				n = saved // a command of the tool may have restarted processes
			}
			AddReportEntry("logs", n.Dir())
			stacks, err := n.Dump(n.Descriptor().Running()...)
			AddReportEntry("goroutines of the orderers that ran", strings.Join(stacks, "\n"))
			Expect(errors.Join(err, n.Halt())).To(Succeed())
			return
		}
		Expect(n.Halt()).To(Succeed())
		Expect(logs.Panics()).To(BeEmpty(), "no process may panic, not even during shutdown; see %s", n.Dir())
		Expect(n.Down()).To(Succeed())
		Expect(os.RemoveAll(filepath.Dir(n.Dir()))).To(Succeed())
	})
	return n
}
