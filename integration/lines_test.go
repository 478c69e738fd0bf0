package integration_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// module is the line of the module in go.mod, which needs no tree.
var module = line{name: "the module"}

// exercise orders on a network, joins, removes, restarts and kills its orderers, changes its config
// under load, and compares the blocks.
func (w *world) exercise(ctx context.Context, channel string) {
	GinkgoHelper()
	Expect(w.Invoke(ctx, channel, "put", "k", "v1")).To(Succeed())

	By("killing an orderer and a broker under load, while the config changes")
	racing, stop := context.WithCancel(ctx)
	defer stop()
	changed, traffic := w.updates(racing, channel), w.load(ctx, channel, 20*time.Second)
	for _, name := range []string{"orderer2", w.BrokerNames()[1]} {
		time.Sleep(3 * time.Second) // of traffic before each
		Expect(w.Kill(name)).To(Succeed())
		Expect(w.Start(ctx, name)).To(Succeed())
	}
	traffic.sound(ctx)
	stop()
	Expect(<-changed).To(BeNumerically(">", 1), "no config update raced with the traffic")
	w.equal(ctx, channel)

	By("removing an orderer and joining it again, from the genesis block and from a later one")
	w.joinsAgain(ctx, "orderer3", channel)

	By("restarting an orderer")
	Expect(w.Stop("orderer1")).To(Succeed())
	Expect(w.Start(ctx, "orderer1")).To(Succeed())
	w.catchesUp(ctx, "orderer1")
	Expect(w.Invoke(ctx, channel, "put", "k", "v2")).To(Succeed())
	Expect(w.Query(ctx, 2, channel, "get", "k")).To(ContainSubstring("v2"))
}

// joinsAgain removes an orderer from a channel and joins it again, from the genesis block and from a later one.
func (w *world) joinsAgain(ctx context.Context, orderer, channel string) {
	GinkgoHelper()
	later, err := w.lastConfig(ctx, "orderer1", channel)
	Expect(err).NotTo(HaveOccurred())
	for _, block := range [][]byte{nil, later} {
		Expect(w.Remove(ctx, orderer, channel)).To(Succeed())
		Eventually(ctx, func() error { return w.Join(ctx, orderer, channel, block) }).Should(Succeed()) // once its ledger is gone
		w.catchesUp(ctx, orderer)
	}
}

var _ = Describe("release lines", Label("kafka", "minutes", "lines"), func() {
	for _, orderers := range []line{module, line25, line31} {
		for _, peers := range []line{module, line25} {
			It(fmt.Sprintf("orders with orderers of %s and peers of %s", orderers.name, peers.name), func(ctx SpecContext) {
				ours, bin := orderers.build(ctx), peers.build(ctx)
				w := raise(ctx, fabricnet.Options{Bin: bin, OrdererBins: map[int]string{1: ours, 2: ours, 3: ours}})
				w.exercise(ctx, "mychannel")
			}, SpecTimeout(25*time.Minute))
		}
	}

	for _, l := range []line{line25, line31} {
		It(fmt.Sprintf("orders a channel of type etcdraft with orderers and stock peers of %s, and keeps that line's own orderers out", l.name), func(ctx SpecContext) {
			w := raise(ctx, fabricnet.Options{Bin: l.build(ctx), Type: "etcdraft", Raft: []string{"raft"}, Channels: []string{"mychannel"}})
			w.worksAsShared(ctx, "mychannel")
			w.orderBothUnderLoad(ctx, "mychannel", "raft")
			w.keepsItsForm(ctx, "mychannel")
			w.keepsRaftOut(ctx, "mychannel", l)
			w.staysRaft(ctx, "raft")
			w.servesPeers(ctx, "mychannel")
			if l == line31 {
				w.takesNewCapabilities(ctx, "mychannel")
			}
		}, SpecTimeout(25*time.Minute))
	}

	It("leaves for Raft with orderers and stock peers of 3.1", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Bin: line31.build(ctx), Type: "etcdraft", Raft: []string{"raft"}, Channels: []string{"mychannel"}})
		w.load(ctx, "mychannel", 5*time.Second).sound(ctx)
		w.leaves(ctx, "mychannel")
		Expect(w.Invoke(ctx, "mychannel", "put", "k", "by Raft")).To(Succeed())
		for peer := 1; peer <= 2; peer++ {
			Eventually(ctx, func() (string, error) { return w.Query(ctx, peer, "mychannel", "get", "k") }).Should(ContainSubstring("by Raft"))
		}
		w.equal(ctx, "mychannel")
	}, SpecTimeout(15*time.Minute))

	It("orders with orderers of all lines on one channel, and while each is replaced by another line's", func(ctx SpecContext) {
		bins := []string{module.build(ctx), line25.build(ctx), line31.build(ctx)}
		w := raise(ctx, fabricnet.Options{Bin: bins[1], OrdererBins: map[int]string{1: bins[0], 2: bins[1], 3: bins[2]}})
		w.exercise(ctx, "mychannel")

		By("replacing each orderer by one of another line, under load")
		racing, stop := context.WithCancel(ctx)
		defer stop()
		changed, traffic := w.updates(racing, "mychannel"), w.load(ctx, "mychannel", 30*time.Second)
		for turn := 1; turn < len(bins); turn++ {
			for i := range bins {
				w.replaced(ctx, bins[(i+turn)%len(bins)], "mychannel", fmt.Sprintf("orderer%d", i+1))
			}
		}
		traffic.sound(ctx)
		stop()
		Expect(<-changed).To(BeNumerically(">", 2), "no config update raced with the traffic")
		w.equal(ctx, "mychannel")
		Expect(w.Invoke(ctx, "mychannel", "put", "k", "v3")).To(Succeed())
	}, SpecTimeout(30*time.Minute))
})
