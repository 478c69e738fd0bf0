package integration_test

import (
	"slices"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

var _ = Describe("a topic that is deleted and recreated", Ordered, func() {
	// The number of records in the new topic when the old one had n.
	refills := map[string]func(n int) int{
		"empty":   func(int) int { return 0 },
		"shorter": func(n int) int { return n - 1 },
		"equal":   func(n int) int { return n },
		"longer":  func(n int) int { return n + 10 },
	}
	const untouched = "untouched"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1, Channels: []string{"empty", "shorter", "equal", "longer", untouched}})
	}, NodeTimeout(6*time.Minute))

	It("stops its channel and no other, whatever it contains, on running and restarted orderers", func(ctx SpecContext) {
		heights, old := map[string]uint64{}, map[string][][]byte{}
		for channel := range refills {
			var sent []*cb.Envelope
			for range 3 {
				e, err := w.user.Message(channel, 500)
				Expect(err).NotTo(HaveOccurred())
				Expect(w.submit(ctx, "orderer1", e)).To(Succeed())
				sent = append(sent, e)
			}
			Eventually(ctx, func() []int { return w.copies(ctx, channel, sent, "orderer1") }).Should(HaveEach(1))
			heights[channel], old[channel] = w.equal(ctx, channel), w.values(ctx, channel)
		}
		Expect(w.Kill("orderer2")).To(Succeed())
		for channel, size := range refills {
			w.recreate(channel, slices.Repeat([][]byte{[]byte("another")}, size(len(old[channel]))))
		}
		Expect(w.Start(ctx, "orderer2")).To(Succeed())

		for channel := range refills {
			By(channel)
			for _, o := range []string{"orderer1", "orderer2"} {
				Eventually(ctx, w.status(ctx, o, channel)).Should(Equal("consenter failed"))
				Expect(w.orders(ctx, o, channel)).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "deleted and recreated"))
			}
			Expect(w.equal(ctx, channel)).To(Equal(heights[channel]), "the new records are in no block")
		}
		for _, o := range []string{"orderer1", "orderer2"} {
			Eventually(ctx, func() error { return w.orders(ctx, o, untouched) }).Should(Succeed())
		}
		w.equal(ctx, untouched)
	}, NodeTimeout(8*time.Minute))
})
