package integration_test

import (
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// The disks are tmpfs mounts, which need root.
var _ = Describe("an orderer whose disk is full", Ordered, asRoot, func() {
	const channel, other = "mychannel", "raftchannel"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 3, Peers: -1, Channels: []string{channel}, Raft: []string{other}, LedgerDisk: 192})
	}, NodeTimeout(6*time.Minute))

	It("refuses envelopes with the reason, keeps running, and continues once there is space", func(ctx SpecContext) {
		load := w.load(ctx, channel, 25*time.Second)
		Eventually(ctx, func() uint64 { return w.heights(ctx, channel, []string{"orderer2"})[0] }).Should(BeNumerically(">", 20))
		Expect(w.FillLedger("orderer2", 8<<20)).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer2", channel)).Should(Equal("consenter inactive"))
		Expect(w.orders(ctx, "orderer2", channel)).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "waiting for free space on the ledger disk"))
		height := w.heights(ctx, channel, []string{"orderer2"})[0]
		others := w.heights(ctx, channel, []string{"orderer1"})[0]
		Eventually(ctx, func() uint64 { return w.heights(ctx, channel, []string{"orderer1"})[0] }).
			Should(BeNumerically(">", others+20), "the other orderers continue")
		Expect(w.heights(ctx, channel, []string{"orderer2"})[0]).To(Equal(height), "it writes nothing")
		Expect(w.readable(ctx, "orderer2", channel, height)).To(Succeed(), "its old blocks are readable")
		Expect(w.status(ctx, "orderer2", other)()).To(Equal("consenter active"), "the channel of another type and the process keep running")
		Expect(w.metric("orderer2", "available", channel)()).To(BeZero())

		Expect(w.FreeLedger("orderer2")).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer2", channel)).Should(Equal("consenter active"))
		Expect(w.orders(ctx, "orderer2", channel)).To(Succeed())
		load.sound(ctx)
		w.equal(ctx, channel)
		Expect(w.orders(ctx, "orderer2", other)).To(Succeed())
	}, NodeTimeout(6*time.Minute))
})
