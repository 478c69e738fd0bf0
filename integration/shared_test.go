package integration_test

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	"github.com/hyperledger/fabric/protoutil"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

var _ = Describe("a channel of type etcdraft that is ordered through Kafka", Ordered, func() {
	const channel = "mychannel"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Type: "etcdraft", Channels: []string{channel}, Raft: []string{"raft"}})
	}, NodeTimeout(6*time.Minute))

	It("orders alongside a Raft channel, loses nothing when orderers are killed, and is joined again", func(ctx SpecContext) {
		w.worksAsShared(ctx, channel)
		Expect(w.Invoke(ctx, "raft", "put", "k", "by Raft")).To(Succeed())
		Expect(w.Query(ctx, 1, "raft", "get", "k")).To(Equal("by Raft"))
		w.orderBothUnderLoad(ctx, channel, "raft")
	}, NodeTimeout(6*time.Minute))

	It("serves applications and peers: the gateway, private data, anchor peers, peers that join late", func(ctx SpecContext) {
		w.servesPeers(ctx, channel)
	}, NodeTimeout(6*time.Minute))

	It("stays what it is: no update adds consenters or removes the brokers in normal mode", func(ctx SpecContext) {
		w.keepsItsForm(ctx, channel)
	}, NodeTimeout(4*time.Minute))
})

// worksAsShared runs a channel of the shared type as its users do.
func (w *world) worksAsShared(ctx context.Context, channel string) {
	GinkgoHelper()
	Expect(w.Invoke(ctx, channel, "put", "k", "v1")).To(Succeed())
	traffic := w.load(ctx, channel, 10*time.Second)
	for _, name := range []string{"orderer2", "orderer3"} {
		time.Sleep(2 * time.Second) // of traffic before each
		Expect(w.Kill(name)).To(Succeed())
		Expect(w.Start(ctx, name)).To(Succeed())
	}
	traffic.sound(ctx)
	w.equal(ctx, channel)

	Expect(w.update(ctx, "orderer1", channel, w.config(ctx, "orderer1", channel), map[string]proto.Message{
		"BatchSize": &ab.BatchSize{MaxMessageCount: 8, AbsoluteMaxBytes: 1 << 20, PreferredMaxBytes: 1 << 19},
	})).To(Succeed())
	Eventually(ctx, func() uint64 { return w.config(ctx, "orderer1", channel).Sequence }).Should(BeNumerically(">", 0))
	w.joinsAgain(ctx, "orderer3", channel)
	for name, says := range map[string]string{"verify": "blocks are equal on", "topic": "description"} {
		code, out := w.osnkafka(ctx, append([]string{name, channel}, w.deliverFlags()...)...)
		Expect(code).To(Equal(command.ExitFine), out)
		Expect(out).To(ContainSubstring(says))
	}
	Expect(w.Invoke(ctx, channel, "put", "k", "v2")).To(Succeed())
	for peer := 1; peer <= 2; peer++ {
		Expect(w.Query(ctx, peer, channel, "get", "k")).To(ContainSubstring("v2"))
	}
}

// orderBothUnderLoad has Kafka and Raft order a channel each at the same time.
func (w *world) orderBothUnderLoad(ctx context.Context, channels ...string) {
	GinkgoHelper()
	var loads []*running
	for _, c := range channels {
		loads = append(loads, w.load(ctx, c, 5*time.Second))
	}
	for i, l := range loads {
		l.sound(ctx)
		w.equal(ctx, channels[i])
	}
}

// keepsItsForm changes the config of a channel of the shared type: its limits, its state, and what no update may change.
func (w *world) keepsItsForm(ctx context.Context, channel string) {
	GinkgoHelper()
	update := func(values map[string]proto.Message) error {
		return w.update(ctx, "orderer1", channel, w.config(ctx, "orderer1", channel), values)
	}
	Expect(update(w.consensus(ctx, channel, func(_ *ab.ConsensusType, m *etcdraft.ConfigMetadata) {
		m.Consenters = []*etcdraft.Consenter{{Host: "orderer1", Port: 7050}}
	}))).To(refuse(cb.Status_BAD_REQUEST, "no consenters"))
	Expect(update(client.BrokersUpdate())).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "needs brokers"))
	Expect(update(map[string]proto.Message{"ConsensusType": &ab.ConsensusType{Type: "kafka"}})).To(refuse(cb.Status_BAD_REQUEST, "cannot be changed"))

	By("changing the limits, and going through maintenance")
	w.inForce(ctx, channel, map[string]proto.Message{"BatchSize": &ab.BatchSize{MaxMessageCount: 7, AbsoluteMaxBytes: 1 << 20, PreferredMaxBytes: 1 << 19}})
	w.inForce(ctx, channel, w.consensus(ctx, channel, in(ab.ConsensusType_STATE_MAINTENANCE)))
	Expect(update(w.consensus(ctx, channel, func(t *ab.ConsensusType, _ *etcdraft.ConfigMetadata) { t.Type = "BFT" }))).To(refuse(cb.Status_BAD_REQUEST, ""))
	w.inForce(ctx, channel, w.consensus(ctx, channel, in(ab.ConsensusType_STATE_NORMAL)))
	Eventually(ctx, func() error { return w.orders(ctx, "orderer2", channel) }).Should(Succeed()) // once it has the config, too
	w.equal(ctx, channel)
}

// consensus returns the consensus type of a channel, changed.
func (w *world) consensus(ctx context.Context, channel string, change func(*ab.ConsensusType, *etcdraft.ConfigMetadata)) map[string]proto.Message {
	GinkgoHelper()
	kind, metadata := &ab.ConsensusType{}, &etcdraft.ConfigMetadata{}
	value := w.config(ctx, "orderer1", channel).ChannelGroup.Groups["Orderer"].Values["ConsensusType"].Value
	Expect(proto.Unmarshal(value, kind)).To(Succeed())
	Expect(proto.Unmarshal(kind.Metadata, metadata)).To(Succeed())
	change(kind, metadata)
	var err error
	kind.Metadata, err = proto.Marshal(metadata)
	Expect(err).NotTo(HaveOccurred())
	return map[string]proto.Message{"ConsensusType": kind}
}

func in(state ab.ConsensusType_State) func(*ab.ConsensusType, *etcdraft.ConfigMetadata) {
	return func(t *ab.ConsensusType, _ *etcdraft.ConfigMetadata) { t.State = state }
}

// inForce submits an update and waits until the first orderer has it: a later one that is computed from an earlier config is
// refused.
func (w *world) inForce(ctx context.Context, channel string, values map[string]proto.Message) {
	GinkgoHelper()
	before := w.config(ctx, "orderer1", channel)
	Expect(w.update(ctx, "orderer1", channel, before, values)).To(Succeed())
	Eventually(ctx, func() uint64 { return w.config(ctx, "orderer1", channel).Sequence }).Should(BeNumerically(">", before.Sequence))
}

// staysRaft gives a Raft channel the brokers that channels had when they moved from Kafka to Raft with Fabric 1.4 or 2, and
// restarts the orderers: Raft continues to order it.
func (w *world) staysRaft(ctx context.Context, channel string) {
	GinkgoHelper()
	w.edit(ctx, channel, func(group object) {
		group.child("groups", "Orderer", "values")["KafkaBrokers"] = object{
			"mod_policy": "Admins", "value": object{"brokers": w.Descriptor().Brokers}, "version": "0",
		}
	})
	for _, name := range w.Descriptor().Running() {
		Expect(w.Stop(name)).To(Succeed())
		Expect(w.Start(ctx, name)).To(Succeed())
	}
	Eventually(ctx, func() error { return w.orders(ctx, "orderer1", channel) }).Should(Succeed())
	height := w.equal(ctx, channel)
	block, err := w.reader.Block(ctx, "orderer2", channel, height-1)
	Expect(err).NotTo(HaveOccurred())
	written, err := protoutil.GetConsenterMetadataFromBlock(block)
	Expect(err).NotTo(HaveOccurred())
	raft := &etcdraft.BlockMetadata{}
	Expect(proto.Unmarshal(written.Value, raft)).To(Succeed())
	Expect(raft.ConsenterIds).To(Equal([]uint64{1, 2, 3}), "the block is not Raft's")
}

// takesNewCapabilities enables the capability V3_0 of a channel, which takes the addresses of all orderers out of its group.
func (w *world) takesNewCapabilities(ctx context.Context, channel string) {
	GinkgoHelper()
	w.edit(ctx, channel, func(group object) {
		group.child("values", "Capabilities", "value", "capabilities")["V3_0"] = object{}
		delete(group.child("values"), "OrdererAddresses")
	})
	Expect(w.Invoke(ctx, channel, "put", "k", "with V3_0")).To(Succeed())
	for peer := 1; peer <= 2; peer++ {
		Eventually(ctx, func() (string, error) { return w.Query(ctx, peer, channel, "get", "k") }).Should(Equal("with V3_0"))
	}
	w.joinsAgain(ctx, "orderer3", channel)
	w.equal(ctx, channel)
}

// keepsRaftOut tries to order a channel of the shared type with a line's own orderers: one neither starts on
// its ledger nor joins it, so that none can order it alongside ours. A Raft channel does not become one of the shared type.
func (w *world) keepsRaftOut(ctx context.Context, channel string, of line) {
	GinkgoHelper()
	ours, stock := w.Bin("."), filepath.Join(filepath.Dir(w.Dir()), "stock")
	Expect(os.Mkdir(stock, 0o755)).To(Succeed())
	Expect(os.Symlink(filepath.Join(of.stock(ctx), "orderer"), filepath.Join(stock, "orderer"))).To(Succeed())
	Expect(os.Symlink(filepath.Join(of.tree(), "sampleconfig"), filepath.Join(stock, "sampleconfig"))).To(Succeed())
	Expect(w.Stop("orderer3")).To(Succeed())
	Expect(w.SetBin("orderer3", stock)).To(Succeed())
	Expect(w.Start(ctx, "orderer3")).NotTo(Succeed())
	logged := filepath.Join(w.Dir(), "logs", "orderer3.log")
	text, err := os.ReadFile(logged)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(text)).To(ContainSubstring("panic: Failed to determine cluster membership from config-block"))
	Expect(string(text)).To(ContainSubstring("empty consenter set"))
	Expect(os.Truncate(logged, 0)).To(Succeed()) // this panic of Fabric's is expected, and none of ours

	Expect(w.SetBin("orderer3", ours)).To(Succeed())
	Expect(w.Start(ctx, "orderer3")).To(Succeed())
	Expect(w.Remove(ctx, "orderer3", channel)).To(Succeed())
	Expect(w.Replace(ctx, "orderer3", stock)).To(Succeed())
	Eventually(ctx, func() error { return w.Join(ctx, "orderer3", channel, nil) }).Should(MatchError(ContainSubstring("empty consenter set")))
	Expect(w.Replace(ctx, "orderer3", ours)).To(Succeed())
	Eventually(ctx, func() error { return w.Join(ctx, "orderer3", channel, nil) }).Should(Succeed())
	w.catchesUp(ctx, "orderer3")

	Expect(w.update(ctx, "orderer1", "raft", w.config(ctx, "orderer1", "raft"), w.consensus(ctx, "raft", func(_ *ab.ConsensusType, m *etcdraft.ConfigMetadata) {
		m.Consenters = nil
	}))).To(refuse(cb.Status_BAD_REQUEST, "empty consenter set"))
}
