package integration_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

var _ = Describe("a channel of type kafka", Ordered, func() {
	const channel = "mychannel"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Channels: []string{channel}, Raft: []string{"raft"}})
	}, NodeTimeout(6*time.Minute))

	It("becomes one of type etcdraft, and orders on", func(ctx SpecContext) {
		Expect(w.Invoke(ctx, channel, "put", "k", "by type kafka")).To(Succeed())
		w.enters(ctx, channel)
		Expect(w.Invoke(ctx, channel, "put", "k", "by the shared type")).To(Succeed())
		w.load(ctx, channel, 5*time.Second).sound(ctx)
		w.equal(ctx, channel)
	}, NodeTimeout(6*time.Minute))

	It("leaves for Raft, and loses nothing", func(ctx SpecContext) {
		w.load(ctx, channel, 5*time.Second).sound(ctx)
		w.leaves(ctx, channel)
		Expect(w.Invoke(ctx, channel, "put", "k", "by Raft")).To(Succeed())
		for peer := 1; peer <= 2; peer++ {
			Eventually(ctx, func() (string, error) { return w.Query(ctx, peer, channel, "get", "k") }).Should(ContainSubstring("by Raft"))
		}
		w.load(ctx, channel, 5*time.Second).sound(ctx)
		w.equal(ctx, channel)
	}, NodeTimeout(8*time.Minute))
})

// enters brings a channel of type kafka to the shared type. One orderer is killed right behind the block that changes the
// type, and one reads it later.
func (w *world) enters(ctx context.Context, channel string) {
	GinkgoHelper()
	shared := w.consensus(ctx, "raft", func(t *ab.ConsensusType, m *etcdraft.ConfigMetadata) { m.Consenters = nil })
	Expect(w.update(ctx, "orderer1", channel, w.config(ctx, "orderer1", channel), shared)).
		To(refuse(cb.Status_BAD_REQUEST, "only in maintenance mode"))
	w.inForce(ctx, channel, map[string]proto.Message{"ConsensusType": &ab.ConsensusType{Type: "kafka", State: ab.ConsensusType_STATE_MAINTENANCE}})
	Expect(w.orders(ctx, "orderer1", channel)).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "maintenance mode"))

	Expect(w.Kill("orderer3")).To(Succeed())
	shared["ConsensusType"].(*ab.ConsensusType).State = ab.ConsensusType_STATE_MAINTENANCE
	w.inForce(ctx, channel, shared)
	height := w.equal(ctx, channel, "orderer1", "orderer2")
	Expect(w.Kill("orderer2")).To(Succeed())
	for _, name := range []string{"orderer2", "orderer3"} {
		Expect(w.Start(ctx, name)).To(Succeed())
		Eventually(ctx, w.status(ctx, name, channel)).Should(Equal("consenter active"))
	}
	Expect(w.equal(ctx, channel)).To(Equal(height))
	w.inForce(ctx, channel, w.consensus(ctx, channel, in(ab.ConsensusType_STATE_NORMAL)))
	for _, name := range w.Descriptor().Running() {
		Eventually(ctx, func() error { return w.orders(ctx, name, channel) }).Should(Succeed())
	}
	w.equal(ctx, channel)
}

// leaves gives a channel of the shared type to Raft, with the consenters of the channel raft. One orderer is killed right
// behind the last block, and one reads it later.
func (w *world) leaves(ctx context.Context, channel string) {
	GinkgoHelper()
	w.inForce(ctx, channel, w.consensus(ctx, channel, in(ab.ConsensusType_STATE_MAINTENANCE)))
	w.equal(ctx, channel)
	last := w.consensus(ctx, "raft", in(ab.ConsensusType_STATE_MAINTENANCE))
	last["KafkaBrokers"] = client.BrokersUpdate()["KafkaBrokers"]
	Expect(w.Kill("orderer3")).To(Succeed())
	w.inForce(ctx, channel, last)
	Expect(w.orders(ctx, "orderer1", channel)).NotTo(Succeed())
	height := w.equal(ctx, channel, "orderer1", "orderer2")
	for _, name := range []string{"orderer1", "orderer2"} {
		Eventually(ctx, w.status(ctx, name, channel)).Should(Equal("consenter inactive"))
	}

	By("starting an orderer that reads the last block from the topic, and the others as Raft's")
	Expect(w.Start(ctx, "orderer3")).To(Succeed())
	Eventually(ctx, w.status(ctx, "orderer3", channel)).Should(Equal("consenter inactive"))
	Expect(w.equal(ctx, channel)).To(Equal(height))
	for _, name := range w.Descriptor().Running() {
		Expect(w.Kill(name)).To(Succeed())
		Expect(w.Start(ctx, name)).To(Succeed())
	}
	for _, name := range w.Descriptor().Running() {
		Eventually(ctx, w.status(ctx, name, channel)).Should(Equal("consenter active"))
	}
	Eventually(ctx, func() error {
		return w.update(ctx, "orderer1", channel, w.config(ctx, "orderer1", channel), w.consensus(ctx, channel, in(ab.ConsensusType_STATE_NORMAL)))
	}).Should(Succeed()) // once there is a leader
	// No messages here: peers stop at a block in which Raft has one ahead of a transaction (chain/PEERS.md).
	Eventually(ctx, func() []string { return slices.Compact(w.answers(ctx, channel, w.Descriptor().Running())) }).Should(Equal([]string{fmt.Sprint(height + 1)}))
}
