package integration_test

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
)

var _ = Describe("a channel whose topic lost the records of old blocks", func() {
	It("continues where orderers can pull the missing blocks from others", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 3, Peers: -1})
		Expect(w.Remove(ctx, "orderer3", "mychannel")).To(Succeed())
		w.load(ctx, "mychannel", 2*time.Second, "orderer1", "orderer2").sound(ctx)
		Expect(w.Stop("orderer2")).To(Succeed())
		w.load(ctx, "mychannel", 2*time.Second, "orderer1").sound(ctx)
		w.trim("mychannel", int(w.metadata(ctx, "orderer1").LastOffsetPersisted))

		By("waiting while no orderer that has them answers")
		Expect(w.Stop("orderer1")).To(Succeed())
		Expect(w.Start(ctx, "orderer2")).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer2", "mychannel")).Should(Equal("consenter onboarding"))
		Expect(w.orders(ctx, "orderer2", "mychannel")).To(MatchError(SatisfyAll(
			ContainSubstring("from another orderer, since the topic starts at offset"), ContainSubstring("does not answer"))))

		By("pulling them from the orderer that has them, under load")
		Expect(w.Start(ctx, "orderer1")).To(Succeed())
		Expect(w.AwaitActive(ctx, "orderer1", "mychannel")).To(Succeed())
		traffic := w.load(ctx, "mychannel", 8*time.Second, "orderer1")
		Expect(w.AwaitActive(ctx, "orderer2", "mychannel")).To(Succeed())
		Expect(w.Join(ctx, "orderer3", "mychannel", nil)).To(Succeed())
		Expect(w.AwaitActive(ctx, "orderer3", "mychannel")).To(Succeed())
		traffic.sound(ctx)
		w.equal(ctx, "mychannel")
		for _, o := range []string{"orderer2", "orderer3"} {
			Expect(w.orders(ctx, o, "mychannel")).To(Succeed())
		}
	}, SpecTimeout(6*time.Minute))

	It("prunes only records that every orderer has on disk", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1})
		// A new cluster first creates the topic for the offsets of groups.
		Eventually(ctx, func() (string, error) { return w.tool(ctx, "progress") }).
			Should(SatisfyAll(ContainSubstring("OrdererMSP.orderer1.example.com "), ContainSubstring("OrdererMSP.orderer2.example.com ")))
		w.load(ctx, "mychannel", 3*time.Second).sound(ctx)
		w.equal(ctx, "mychannel")
		config := w.config(ctx, "orderer1", "mychannel") // published by orderers, and read from a block by prune
		Expect(w.update(ctx, "orderer1", "mychannel", config, client.BatchTimeoutUpdate(400*time.Millisecond))).To(Succeed())
		Eventually(ctx, func() uint64 { return w.config(ctx, "orderer1", "mychannel").Sequence }).Should(Equal(config.Sequence + 1))
		bounds := func() log.Bounds {
			l, err := inspect.OpenTopic(w.Descriptor().Brokers, "mychannel")
			Expect(err).NotTo(HaveOccurred())
			defer l.Close()
			b, err := l.Bounds(ctx)
			Expect(err).NotTo(HaveOccurred())
			return b
		}
		before := bounds()

		By("keeping what a stopped orderer may need, by what it published when it started")
		Expect(w.Stop("orderer2")).To(Succeed())
		Expect(w.Stop("orderer1")).To(Succeed())
		Expect(w.Start(ctx, "orderer1")).To(Succeed())
		Expect(w.AwaitActive(ctx, "orderer1", "mychannel")).To(Succeed())
		out, err := w.tool(ctx, "prune", "--keep", "0", "--max-age", "1s")
		Expect(err).To(HaveOccurred())
		Expect(out).To(SatisfyAll(ContainSubstring("nothing is deleted"), ContainSubstring("orderer OrdererMSP.orderer2.example.com published")))
		Expect(bounds()).To(Equal(before))
		out, err = w.tool(ctx, "prune", "--keep", "0")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(ContainSubstring("there is nothing to delete: the topic starts at offset 0, and fabric-orderer.OrdererMSP.orderer2.example.com needs"))

		By("deleting what all orderers have")
		Expect(w.Start(ctx, "orderer2")).To(Succeed())
		Expect(w.AwaitActive(ctx, "orderer2", "mychannel")).To(Succeed())
		next := w.metadata(ctx, "orderer1").LastOffsetPersisted + 1
		Eventually(ctx, func() (string, error) { return w.tool(ctx, "prune", "--keep", "10", "--dry-run") }).
			Should(ContainSubstring(fmt.Sprintf("%d records, offsets 0 to %d would be deleted", next-10, next-11)))
		Expect(bounds()).To(Equal(before))
		out, err = w.tool(ctx, "prune", "--keep", "10")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(ContainSubstring("are deleted"))
		Expect(bounds().Start).To(BeEquivalentTo(next - 10))
		for _, o := range []string{"orderer1", "orderer2"} {
			Expect(w.Kill(o)).To(Succeed())
			Expect(w.Start(ctx, o)).To(Succeed())
			Expect(w.AwaitActive(ctx, o, "mychannel")).To(Succeed())
			Expect(w.orders(ctx, o, "mychannel")).To(Succeed())
		}
		w.equal(ctx, "mychannel")
	}, SpecTimeout(6*time.Minute))

	It("stops where no orderer has the missing blocks", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1})
		w.load(ctx, "mychannel", 2*time.Second).sound(ctx)
		m := w.metadata(ctx, "orderer1")
		Expect(w.Stop("orderer1")).To(Succeed())
		Expect(w.Stop("orderer2")).To(Succeed())
		w.write(ctx, "mychannel", []byte("one"), []byte("two"), []byte("three"))
		w.trim("mychannel", int(m.LastOffsetPersisted)+3)
		for _, o := range []string{"orderer1", "orderer2"} {
			Expect(w.Start(ctx, o)).To(Succeed())
		}
		for _, o := range []string{"orderer1", "orderer2"} {
			Eventually(ctx, w.status(ctx, o, "mychannel")).Should(Equal("consenter failed"))
			Expect(w.orders(ctx, o, "mychannel")).To(MatchError(SatisfyAll(
				ContainSubstring("the records between were deleted"), ContainSubstring("no other orderer has the block: none of"))))
		}
	}, SpecTimeout(4*time.Minute))
})
