// Package integration_test runs real orderers, peers and a broker, as processes
// on the loopback interface, and lets them meet what operators meet.
package integration_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

func TestIntegration(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Ordering through Kafka")
}

// binaries is the folder that the suite's processes are started from.
var binaries string

var _ = BeforeSuite(func(ctx SpecContext) {
	root, err := filepath.Abs("..")
	Expect(err).NotTo(HaveOccurred())
	binaries = filepath.Join(root, ".build", "bin")
	Expect(fabricnet.Build(ctx, root, binaries)).To(Succeed())
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
}, NodeTimeout(15*time.Minute))

// basePort is the lowest port of each network, in turn: one may still be closing.
var basePort = 19050

// raise raises a network for the specs of a container and takes it down after them.
func raise(ctx context.Context, o fabricnet.Options) *world {
	dir, err := os.MkdirTemp("", "kafka-network-")
	Expect(err).NotTo(HaveOccurred())
	o.Dir, o.Bin, o.BasePort, o.Progress = filepath.Join(dir, "net"), binaries, basePort, GinkgoWriter
	basePort += 700
	n, err := fabricnet.Up(ctx, o)
	Expect(err).NotTo(HaveOccurred())
	w := newWorld(n)
	DeferCleanup(func() {
		if CurrentSpecReport().Failed() {
			AddReportEntry("logs", n.Dir())
			Expect(n.Halt()).To(Succeed())
			return
		}
		Expect(n.Down()).To(Succeed())
		Expect(os.RemoveAll(dir)).To(Succeed())
	})
	return w
}
