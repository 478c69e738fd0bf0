package integration_test

import (
	"context"
	"strconv"
	"sync"
	"time"

	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// One network for all specs that leave it in working order.
var _ = Describe("three orderers", Ordered, func() {
	const channel = "mychannel"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 3, Peers: 2})
	}, NodeTimeout(6*time.Minute))

	It("orders chaincode transactions into equal blocks", func(ctx SpecContext) {
		Expect(w.Invoke(ctx, channel, "put", "a", "100")).To(Succeed())
		Expect(w.Invoke(ctx, channel, "inc", "a", "-10")).To(Succeed())
		for peer := 1; peer <= 2; peer++ {
			Expect(w.Query(ctx, peer, channel, "get", "a")).To(Equal("90"))
		}
		Expect(w.equal(ctx, channel)).To(BeNumerically(">", 3))
		for _, o := range w.Descriptor().Orderers {
			Expect(w.status(ctx, o.Name, channel)()).To(Equal("consenter active"))
		}
	}, NodeTimeout(4*time.Minute))

	It("orders transactions among messages, although peers do not get past both in one block", func(ctx SpecContext) {
		traffic := w.load(ctx, channel, 10*time.Second)
		for i := range 5 {
			w.write(ctx, channel, encoded(record.NewRegular(envelope(w, cb.HeaderType_MESSAGE, channel), 0, record.Regular_NORMAL))) // without data
			Expect(w.Invoke(ctx, channel, "put", "among", strconv.Itoa(i))).To(Succeed())
		}
		traffic.sound(ctx)
		w.equal(ctx, channel)
		for peer := 1; peer <= 2; peer++ {
			Expect(w.Query(ctx, peer, channel, "get", "among")).To(Equal("4"))
		}
	}, NodeTimeout(4*time.Minute))

	It("loses and duplicates nothing when orderers are killed under load", func(ctx SpecContext) {
		traffic := w.load(ctx, channel, 15*time.Second)
		for _, name := range []string{"orderer1", "orderer2", "orderer3"} {
			time.Sleep(2 * time.Second) // let the load run: the orderer should be busy when it is killed
			Expect(w.Kill(name)).To(Succeed())
			time.Sleep(time.Second) // let it miss some blocks
			Expect(w.Start(ctx, name)).To(Succeed())
		}
		traffic.sound(ctx)
		w.equal(ctx, channel)
	}, NodeTimeout(6*time.Minute))

	It("survives an outage of all brokers under load", func(ctx SpecContext) {
		before := w.equal(ctx, channel)
		traffic := w.load(ctx, channel, 35*time.Second)
		time.Sleep(3 * time.Second)
		Expect(w.StopBrokers()).To(Succeed())
		down := time.Now()

		Eventually(ctx, func() error { return w.orders(ctx, "orderer1", channel) }).Should(refuse(cb.Status_SERVICE_UNAVAILABLE, "waiting for a connection to the brokers"))
		Expect(w.readable(ctx, "orderer2", channel, before)).To(Succeed(), "an orderer serves old blocks while the brokers are down")
		Eventually(ctx, w.status(ctx, "orderer1", channel)).Should(Equal("consenter inactive"))

		time.Sleep(time.Until(down.Add(20 * time.Second)))
		for _, o := range w.Descriptor().Orderers {
			Expect(o.PID).NotTo(BeZero(), "%s has ended", o.Name)
		}
		Expect(w.StartBrokers(ctx)).To(Succeed())
		traffic.sound(ctx)
		for _, o := range w.Descriptor().Orderers {
			Eventually(ctx, w.status(ctx, o.Name, channel)).Should(Equal("consenter active"))
		}
		w.equal(ctx, channel)
	}, NodeTimeout(8*time.Minute))

	It("applies config updates that race with traffic and with each other", func(ctx SpecContext) {
		traffic := w.load(ctx, channel, 12*time.Second)
		accepted := 0
		for round := range 6 {
			accepted += w.race(ctx, channel, uint32(5+round), 300*time.Millisecond+time.Duration(round)*10*time.Millisecond)
			time.Sleep(500 * time.Millisecond)
		}
		Expect(accepted).To(BeNumerically(">=", 6), "too few updates were even submitted")
		traffic.sound(ctx)
		w.equal(ctx, channel)
		Expect(w.config(ctx, "orderer3", channel).Sequence).To(BeNumerically(">=", 6))
	}, NodeTimeout(6*time.Minute))

	It("stays available when foreign writers append to the topic", func(ctx SpecContext) {
		traffic := w.load(ctx, channel, 8*time.Second)
		for range 3 {
			w.write(ctx, channel, hostile(w, channel)...)
			time.Sleep(time.Second)
		}
		traffic.sound(ctx)
		w.equal(ctx, channel)
		for _, o := range w.Descriptor().Orderers {
			Expect(w.status(ctx, o.Name, channel)()).To(Equal("consenter active"))
		}
		Expect(w.Invoke(ctx, channel, "put", "b", "still here")).To(Succeed(), "peers accept the blocks")
	}, NodeTimeout(4*time.Minute))

	It("lets an orderer leave and join again", func(ctx SpecContext) {
		Expect(w.Remove(ctx, "orderer3", channel)).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer3", channel)).Should(ContainSubstring("HTTP 404"))
		Expect(w.orders(ctx, "orderer1", channel)).To(Succeed())
		Expect(w.Join(ctx, "orderer3", channel, nil)).To(Succeed())
		Expect(w.AwaitActive(ctx, "orderer3", channel)).To(Succeed())
		w.equal(ctx, channel)
	}, NodeTimeout(4*time.Minute))

	It("lets an orderer join with a later config block", func(ctx SpecContext) {
		Expect(w.Remove(ctx, "orderer3", channel)).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer3", channel)).Should(ContainSubstring("HTTP 404"))
		block, err := w.lastConfig(ctx, "orderer1", channel)
		Expect(err).NotTo(HaveOccurred())
		Expect(w.Join(ctx, "orderer3", channel, block)).To(Succeed())
		Expect(w.AwaitActive(ctx, "orderer3", channel)).To(Succeed()) // Fabric's follower reports the same, before the chain replaces it
		Eventually(ctx, func() error { return w.orders(ctx, "orderer3", channel) }).Should(Succeed())
		w.equal(ctx, channel)
	}, NodeTimeout(4*time.Minute))
})

// race submits two updates of the same config through two orderers at once
// and returns how many were acknowledged.
func (w *world) race(ctx context.Context, channel string, messages uint32, timeout time.Duration) int {
	config := w.config(ctx, "orderer1", channel)
	size, err := client.BatchSizeUpdate(config, messages)
	Expect(err).NotTo(HaveOccurred())
	var both sync.WaitGroup
	errs := make([]error, 2)
	both.Go(func() { errs[0] = w.update(ctx, "orderer1", channel, config, size) })
	both.Go(func() { errs[1] = w.update(ctx, "orderer2", channel, config, client.BatchTimeoutUpdate(timeout)) })
	both.Wait()
	accepted := 0
	for _, err := range errs {
		if err == nil {
			accepted++
		}
	}
	return accepted
}
