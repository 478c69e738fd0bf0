package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/genesis"
)

var _ = Describe("several channels on the same orderers", Ordered, func() {
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 3, Peers: 1, Channels: []string{"kafka-one", "kafka-two"}, Raft: []string{"raft"}})
	}, NodeTimeout(6*time.Minute))

	It("orders on kafka and etcdraft channels side by side", func(ctx SpecContext) {
		for _, channel := range []string{"kafka-one", "kafka-two", "raft"} {
			Expect(w.Invoke(ctx, channel, "put", "k", channel)).To(Succeed())
			Expect(w.Query(ctx, 1, channel, "get", "k")).To(Equal(channel))
		}
		w.equal(ctx, "kafka-one")
		w.equal(ctx, "kafka-two")
	}, NodeTimeout(4*time.Minute))

	It("stops only the channel whose topic belongs to another", func(ctx SpecContext) {
		const lost = "claimed"
		w.claim(ctx, lost)
		block, err := w.rename("kafka-one", lost)
		Expect(err).NotTo(HaveOccurred())
		Expect(w.Join(ctx, "orderer1", lost, block)).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer1", lost)).Should(Equal("consenter failed"))
		Expect(w.orders(ctx, "orderer1", lost)).To(refuse(cb.Status_SERVICE_UNAVAILABLE, `names channel "another"`))

		Expect(w.orders(ctx, "orderer1", "kafka-one")).To(Succeed())
		Expect(w.Invoke(ctx, "kafka-two", "put", "k", "unaffected")).To(Succeed())
		w.equal(ctx, "kafka-one")

		By("staying stopped after a restart, while other channels work")
		Expect(w.Kill("orderer1")).To(Succeed())
		Expect(w.Start(ctx, "orderer1")).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer1", lost)).Should(Equal("consenter failed"))
		Expect(w.AwaitActive(ctx, "orderer1", "kafka-one")).To(Succeed())
		Expect(w.Remove(ctx, "orderer1", lost)).To(Succeed())
	}, NodeTimeout(4*time.Minute))

	It("refuses to join with an unusable genesis block", func(ctx SpecContext) {
		for name, bad := range map[string]struct {
			edit func(*cb.Config)
			says string
		}{
			"no brokers":   {withBrokers(), "names no broker"},
			"malformed":    {withBrokers("nowhere"), `broker "nowhere" of the channel config: want host:port`},
			"a port of 0":  {withBrokers("kafka:0"), `port "0" is not between 1 and 65535`},
			"no host name": {withBrokers(":9092"), "the host is missing"},
			"a capability": {withCapability("V3_0"), `capability "V3_0" of group Channel, which this build does not know: Fabric 3.0 introduced it; join with an orderer`},
		} {
			By(name)
			block, err := change(w.genesis("kafka-one"), "refused", bad.edit)
			Expect(err).NotTo(HaveOccurred())
			err = w.Join(ctx, "orderer1", "refused", block)
			var refusal *fabricnet.APIError
			Expect(errors.As(err, &refusal)).To(BeTrue(), "got %v", err)
			Expect(refusal.Code).To(Equal(http.StatusBadRequest))
			Expect(refusal.Message).To(ContainSubstring(bad.says))
		}
	}, NodeTimeout(4*time.Minute))

	It("refuses to create an unusable genesis block", func() {
		_, err := genesis.Rewrite(w.genesis("raft"), "kafka", []string{"nowhere"})
		Expect(err).To(MatchError(ContainSubstring("want host:port")))
	})
})

var _ = Describe("the brokers of a channel", Ordered, func() {
	const channel = "mychannel"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1})
	}, NodeTimeout(6*time.Minute))

	It("cannot be addresses that make Fabric 2.5 crash, and the consensus type cannot change", func(ctx SpecContext) {
		config := w.config(ctx, "orderer1", channel)
		for _, address := range []string{"kafka_1:9092", "[::1]:9092", " kafka:9092"} {
			Expect(w.update(ctx, "orderer1", channel, config, client.BrokersUpdate(w.Descriptor().Brokers[0], address))).
				To(refuse(cb.Status_SERVICE_UNAVAILABLE, fmt.Sprintf("the config is not ordered: broker %q of the channel config", address)))
		}
		for _, kind := range []string{"etcdraft", "BFT", "solo"} {
			Expect(w.update(ctx, "orderer1", channel, config, map[string]proto.Message{"ConsensusType": &ab.ConsensusType{Type: kind, Metadata: []byte{8, 1}}})).
				To(refuse(cb.Status_BAD_REQUEST, fmt.Sprintf(`the consensus type cannot be changed from "kafka" to %q`, kind)))
		}
		Expect(w.orders(ctx, "orderer1", channel)).To(Succeed())
		w.equal(ctx, channel)
	}, NodeTimeout(4*time.Minute))

	It("change with a config update, without a restart", func(ctx SpecContext) {
		Expect(w.orders(ctx, "orderer1", channel)).To(Succeed())
		config := w.config(ctx, "orderer1", channel)
		Expect(w.update(ctx, "orderer1", channel, config, client.BrokersUpdate(w.renamedBrokers()...))).To(Succeed())
		Eventually(ctx, func() error { return w.orders(ctx, "orderer2", channel) }).Should(Succeed())
		w.equal(ctx, channel)
		w.awaits(ctx, channel, "waiting for a connection to the brokers "+strings.Join(w.renamedBrokers(), ", "))
	}, NodeTimeout(4*time.Minute))

	It("come from the orderer's settings if those name brokers", func(ctx SpecContext) {
		Expect(w.Set(ctx, "BROKERS="+strings.Join(w.Descriptor().Brokers, ","))).To(Succeed())
		for _, orderer := range []string{"orderer1", "orderer2"} {
			Expect(w.AwaitActive(ctx, orderer, channel)).To(Succeed())
			Expect(w.orders(ctx, orderer, channel)).To(Succeed())
		}
		w.equal(ctx, channel)
		w.awaits(ctx, channel, "waiting for a connection to the brokers "+strings.Join(w.Descriptor().Brokers, ", "))
	}, NodeTimeout(4*time.Minute))
})

// awaits stops the brokers, checks that both orderers report what they wait for, and starts the brokers again.
func (w *world) awaits(ctx context.Context, channel, what string) {
	GinkgoHelper()
	Expect(w.StopBrokers()).To(Succeed())
	for _, orderer := range []string{"orderer1", "orderer2"} {
		Eventually(ctx, func() error { return w.orders(ctx, orderer, channel) }).Should(refuse(cb.Status_SERVICE_UNAVAILABLE, what))
	}
	Expect(w.StartBrokers(ctx)).To(Succeed())
	for _, orderer := range []string{"orderer1", "orderer2"} {
		Expect(w.AwaitActive(ctx, orderer, channel)).To(Succeed())
		Eventually(ctx, func() error { return w.orders(ctx, orderer, channel) }).Should(Succeed())
	}
	w.equal(ctx, channel)
}

var _ = Describe("an orderer that joins late", func() {
	It("replays the topic from the genesis block", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1})
		Expect(w.Remove(ctx, "orderer2", "mychannel")).To(Succeed())
		traffic := w.load(ctx, "mychannel", 6*time.Second, "orderer1")
		time.Sleep(3 * time.Second) // let a history grow
		Eventually(ctx, func() error { return w.Join(ctx, "orderer2", "mychannel", nil) }).Should(Succeed())
		traffic.sound(ctx)
		Expect(w.AwaitActive(ctx, "orderer2", "mychannel")).To(Succeed())
		w.equal(ctx, "mychannel")
	}, NodeTimeout(4*time.Minute))
})
