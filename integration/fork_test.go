package integration_test

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
)

const forger = "fabric-orderer.OrdererMSP.forged"

// forge publishes block hashes as an orderer that does not exist.
func (w *world) forge(ctx SpecContext, hashes ...log.BlockHash) {
	l, err := inspect.OpenTopic(w.Descriptor().Brokers, "mychannel")
	Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	Expect(l.Publish(ctx, log.Progress{Member: forger, Next: 1, Block: 1, At: time.Now(), Rules: "strict", Config: "0123456789abcdef", Hashes: hashes})).To(Succeed())
}

// forked returns a function that reads the fork metric for the forger, or "" before there is one.
func (w *world) forked(orderer string) func() string {
	return func() string {
		_, text := w.operations(orderer, "/metrics")
		for line := range strings.Lines(text) {
			if value, is := strings.CutPrefix(line, fmt.Sprintf("consensus_kafka_fork{channel=%q,member=%q} ", "mychannel", forger)); is {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
}

var _ = Describe("orderers that compare their blocks", func() {
	It("agree, raise an alarm at a forged commit, and stop the channel if configured to", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1, Settings: []string{"CHECKINTERVAL=1s"}})
		w.load(ctx, "mychannel", 2*time.Second).sound(ctx)
		orderers := []string{"orderer1", "orderer2"}
		for _, o := range orderers {
			Eventually(ctx, w.metric(o, "compared_orderers", "mychannel")).Should(BeEquivalentTo(1))
			Expect(w.forked(o)()).To(BeEmpty())
		}
		out, err := w.tool(ctx, "progress")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(SatisfyAll(ContainSubstring("OrdererMSP.orderer2.example.com"), ContainSubstring("1 of 1 pairs of orderers compared, 0 contradict each other")))

		By("raising an alarm only")
		w.forge(ctx, log.NewBlockHash(1, make([]byte, 32)), log.NewBlockHash(0, make([]byte, 32)))
		for _, o := range orderers {
			Eventually(ctx, w.forked(o)).Should(Equal("1"))
			Expect(w.orders(ctx, o, "mychannel")).To(Succeed())
		}
		out, err = w.tool(ctx, "progress")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("OrdererMSP.forged and OrdererMSP.orderer1.example.com: block 0"))

		By("stopping until the commit is gone and the orderer is restarted")
		Expect(w.Set(ctx, "CHECKINTERVAL=1s", "FORKALARM=stop")).To(Succeed())
		for _, o := range orderers {
			Eventually(ctx, w.status(ctx, o, "mychannel")).Should(Equal("consenter failed"))
			Expect(w.orders(ctx, o, "mychannel")).To(MatchError(SatisfyAll(ContainSubstring("have different blocks 0"), ContainSubstring(forger))))
		}
		w.forge(ctx)
		for _, o := range orderers {
			Expect(w.Stop(o)).To(Succeed())
			Expect(w.Start(ctx, o)).To(Succeed())
			Expect(w.AwaitActive(ctx, o, "mychannel")).To(Succeed())
			Expect(w.orders(ctx, o, "mychannel")).To(Succeed())
		}
		w.equal(ctx, "mychannel")
	}, SpecTimeout(6*time.Minute))
})
