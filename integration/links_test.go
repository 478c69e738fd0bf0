package integration_test

import (
	"context"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/links"
)

var _ = Describe("a network with a proxy between orderers and brokers", Ordered, onKafka, func() {
	var w *world
	others := []string{"orderer2", "orderer3"}

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 3, Peers: -1, Proxied: true})
	}, NodeTimeout(10*time.Minute))

	It("loses and duplicates nothing while links are cut, lose one direction, or are slow", func(ctx SpecContext) {
		w.chaos(ctx, 6, "orderer-cut", "orderer-half-open", "orderer-slow")
	}, NodeTimeout(8*time.Minute))

	It("lets a disconnected orderer refuse envelopes, serve old blocks and catch up later", func(ctx SpecContext) {
		height := w.equal(ctx, "mychannel")
		repair := w.disturb(ctx, "orderer1", links.Proxy.Cut)
		Expect(w.orders(ctx, "orderer1", "mychannel")).To(refuse(cb.Status_SERVICE_UNAVAILABLE, ""))
		Eventually(ctx, w.status(ctx, "orderer1", "mychannel")).Should(Equal("consenter inactive"))
		Expect(w.orders(ctx, "orderer1", "mychannel")).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "not ready on this orderer"))
		Expect(w.readable(ctx, "orderer1", "mychannel", height)).To(Succeed(), "old blocks are readable")
		w.continuesWithout(ctx, "orderer1", others...)
		repair()
		w.catchesUp(ctx, "orderer1")
	}, NodeTimeout(6*time.Minute))

	for _, lost := range []links.Direction{links.Answers, links.Requests} {
		It("reports an unknown outcome when open connections lose one direction: "+string(lost), func(ctx SpecContext) {
			repair := w.disturb(ctx, "orderer1", func(p links.Proxy, ctx context.Context, link string) error { return p.Swallow(ctx, link, lost) })
			Expect(w.orders(ctx, "orderer1", "mychannel")).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "may or may not be ordered"))
			w.continuesWithout(ctx, "orderer1", others...)
			Eventually(ctx, w.status(ctx, "orderer1", "mychannel")).Should(Equal("consenter inactive"))
			repair()
			w.catchesUp(ctx, "orderer1")
		}, NodeTimeout(6*time.Minute))
	}
})

// disturb applies a fault to all links of an orderer and returns a function that repairs them.
func (w *world) disturb(ctx context.Context, orderer string, do func(links.Proxy, context.Context, string) error) (repair func()) {
	GinkgoHelper()
	proxy := links.Proxy(w.Descriptor().Proxy)
	names, err := proxy.Links(ctx, orderer)
	Expect(err).NotTo(HaveOccurred())
	Expect(names).To(HaveLen(nodes))
	for _, link := range names {
		Expect(do(proxy, ctx, link)).To(Succeed())
	}
	return func() {
		GinkgoHelper()
		Expect(proxy.Repair(ctx)).To(Succeed())
	}
}

// continuesWithout checks that the others order and write more blocks than the one has.
func (w *world) continuesWithout(ctx context.Context, one string, others ...string) {
	GinkgoHelper()
	for _, o := range others {
		Expect(w.orders(ctx, o, "mychannel")).To(Succeed())
	}
	behind := w.heights(ctx, "mychannel", []string{one})[0]
	Expect(behind).NotTo(BeZero(), "%s does not return its height", one)
	Eventually(ctx, func() []uint64 { return w.heights(ctx, "mychannel", others) }).Should(HaveEach(BeNumerically(">", behind)))
}

// catchesUp waits until an orderer orders again and compares all blocks. The envelope that it orders
// is in a block by then: peers stall at one that is ahead of a transaction of chaincode in its block, see
// chain/PEERS.md.
func (w *world) catchesUp(ctx context.Context, orderer string) {
	GinkgoHelper()
	Expect(w.AwaitActive(ctx, orderer, "mychannel")).To(Succeed())
	height := func() uint64 { return w.heights(ctx, "mychannel", []string{"orderer1"})[0] }
	var before uint64
	Eventually(ctx, func() error {
		before = height()
		return w.orders(ctx, orderer, "mychannel")
	}).Should(Succeed())
	Eventually(ctx, height).Should(BeNumerically(">", before), "the envelope is in no block")
	w.equal(ctx, "mychannel")
}
