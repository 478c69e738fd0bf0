package integration_test

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// The topic is on the first three of five brokers. The others keep the quorum of
// the controllers, so that faults affect only the replicas of the topic.
var _ = Describe("a network with five brokers of Apache Kafka and three replicas of the topic", Ordered, onKafka, func() {
	const channel = "mychannel"
	var (
		w        *world
		broker   []string
		orderers = []string{"orderer1", "orderer2"}
		disks    []*disk
	)

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1, BrokerCount: 5, Settings: []string{"CHECKINTERVAL=1s"}})
		broker = w.BrokerNames()
		w.replicate(1, 2, 3)
	}, NodeTimeout(10*time.Minute))

	AfterAll(func() {
		for _, d := range disks {
			Expect(d.unmount()).To(Succeed())
		}
	})

	It("keeps acknowledged records that no orderer has read, and waits for a replica that has them", func(ctx SpecContext) {
		sent := w.appendUnread(ctx, broker[2])
		Expect(w.Kill(broker[0])).To(Succeed())
		Eventually(w.leaderID).Should(BeEquivalentTo(2))
		Expect(w.Kill(broker[1])).To(Succeed())
		Expect(w.Start(ctx, broker[2])).To(Succeed())
		w.proceed(orderers...)
		for _, o := range orderers {
			Eventually(ctx, func() error { return w.orders(ctx, o, channel) }).WithTimeout(time.Minute).Should(refuse(cb.Status_SERVICE_UNAVAILABLE, ""))
		}
		Expect(w.leaderID()).To(BeEquivalentTo(-1), "the third broker lacks the records and must not lead")

		for _, name := range broker[:2] { // both: on 4.x the topic stayed without a leader when only the second came back
			Expect(w.Start(ctx, name)).To(Succeed())
		}
		w.resumed(ctx, orderers...)
		Expect(w.copies(ctx, "mychannel", sent, orderers...)).To(HaveEach(1))
	}, NodeTimeout(6*time.Minute))

	It("may lose unread records to an unclean election, but forks no ledger", func(ctx SpecContext) {
		w.replicate(1, 2)
		w.settings(map[string]string{"unclean.leader.election.enable": "true", "min.insync.replicas": "1"})
		Eventually(ctx, w.metric("orderer1", "topic_flaws", channel)).Should(BeNumerically(">=", 2))
		out, err := w.tool(ctx, "preflight", channel)
		Expect(err).To(HaveOccurred())
		Expect(out).To(And(ContainSubstring("--add-config unclean.leader.election.enable=false"), ContainSubstring("--add-config min.insync.replicas=2")))

		lost := w.appendUnread(ctx, broker[1])
		Expect(w.Kill(broker[0])).To(Succeed())
		Expect(w.Start(ctx, broker[1])).To(Succeed())
		Eventually(w.leaderID).Should(BeEquivalentTo(2), "the election was not unclean")
		w.proceed(orderers...)
		w.resumed(ctx, orderers...)
		Expect(w.Start(ctx, broker[0])).To(Succeed())
		Expect(w.Kill("orderer2")).To(Succeed())
		Expect(w.Start(ctx, "orderer2")).To(Succeed())
		w.resumed(ctx, orderers...)
		Expect(w.copies(ctx, "mychannel", lost, orderers...)).To(HaveEach(0))

		w.settings(map[string]string{"unclean.leader.election.enable": "false", "min.insync.replicas": "2"})
		w.replicate(1, 2, 3)
		Eventually(ctx, w.metric("orderer1", "topic_flaws", channel)).Should(BeZero())
	}, NodeTimeout(6*time.Minute))

	It("orders while one broker's disk is full, waits while two are, and loses nothing", asRoot, func(ctx SpecContext) {
		for _, name := range broker[:2] {
			Expect(w.Stop(name)).To(Succeed())
			d, err := mount(w.data(name), 64<<20)
			Expect(err).NotTo(HaveOccurred(), "mounting a disk needs root: make test NO_ROOT=1 leaves this out")
			disks = append(disks, d)
			Expect(w.Start(ctx, name)).To(Succeed())
		}
		w.replicate(1, 2, 3)
		traffic := w.load(ctx, channel, 20*time.Second)
		time.Sleep(time.Second)

		By("filling the disk of the leader")
		Expect(disks[0].fill()).To(Succeed())
		Eventually(ctx, w.serves(1)).Should(BeFalse(), "the broker is still running")
		for _, o := range orderers {
			Eventually(ctx, func() error { return w.orders(ctx, o, channel) }).WithTimeout(time.Minute).Should(Succeed())
		}

		By("filling a second disk")
		Expect(disks[1].fill()).To(Succeed())
		Eventually(ctx, w.serves(2)).Should(BeFalse(), "the broker is still running")
		for _, o := range orderers {
			Eventually(ctx, func() error { return w.orders(ctx, o, channel) }).WithTimeout(time.Minute).Should(refuse(cb.Status_SERVICE_UNAVAILABLE, ""))
		}

		By("freeing space")
		for i, d := range disks {
			Expect(d.relieve()).To(Succeed())
			Expect(w.Start(ctx, broker[i])).To(Succeed())
		}
		w.resumed(ctx, orderers...)
		traffic.sound(ctx)
		w.equal(ctx, channel)
	}, NodeTimeout(8*time.Minute))

	// Must be the last spec: it stops the channel permanently.
	It("stops the channel when a power failure costs all replicas the records not yet on disk", func(ctx SpecContext) {
		w.replicate(1, 2, 3)
		w.load(ctx, channel, 6*time.Second).sound(ctx)
		height := w.equal(ctx, channel)
		from := w.metadata(ctx, "orderer1").LastOffsetPersisted - 20
		Expect(w.StopBrokers()).To(Succeed())
		for _, name := range broker[:3] {
			Expect(cut(w.data(name), channel, from)).To(BeNumerically(">", 0), "nothing to truncate on %s", name)
		}
		Expect(w.StartBrokers(ctx)).To(Succeed())
		stopped := func(o string) {
			GinkgoHelper()
			Eventually(ctx, w.status(ctx, o, channel)).Should(Equal("consenter failed"))
			Expect(w.orders(ctx, o, channel)).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "the ledger was made from the records below"))
		}
		for _, o := range orderers {
			stopped(o)
		}
		Expect(w.Kill("orderer2")).To(Succeed())
		Expect(w.Start(ctx, "orderer2")).To(Succeed())
		stopped("orderer2")
		common, err := w.reader.Verify(ctx, channel, orderers)
		Expect(err).NotTo(HaveOccurred(), "no ledger has forked")
		Expect(common).To(Equal(height), "old blocks are readable")
	}, NodeTimeout(6*time.Minute))
})

// appendUnread pauses the orderers, kills a broker, and appends envelopes to the
// others, which acknowledge them and which no orderer reads. It returns the envelopes.
func (w *world) appendUnread(ctx context.Context, absent string) (sent []*cb.Envelope) {
	GinkgoHelper()
	w.equal(ctx, "mychannel")
	sequence := w.config(ctx, "orderer1", "mychannel").Sequence
	var values [][]byte
	for range 20 {
		e, err := w.user.Message("mychannel", 500)
		Expect(err).NotTo(HaveOccurred())
		b, err := proto.Marshal(e)
		Expect(err).NotTo(HaveOccurred())
		sent, values = append(sent, e), append(values, encoded(record.NewRegular(b, sequence, record.Regular_NORMAL)))
	}
	for _, o := range w.Descriptor().Orderers {
		Expect(w.Pause(o.Name)).To(Succeed())
	}
	time.Sleep(time.Second) // an orderer's last fetch is answered within that: half of TIMEOUTS_READ
	Expect(w.Kill(absent)).To(Succeed())
	gone := int32(slices.Index(w.BrokerNames(), absent) + 1)
	Eventually(ctx, func() []int32 { return w.partition().Isr }).ShouldNot(ContainElement(gone))
	w.write(ctx, "mychannel", values...)
	return sent
}

// proceed resumes paused orderers.
func (w *world) proceed(orderers ...string) {
	GinkgoHelper()
	for _, o := range orderers {
		Expect(w.Continue(o)).To(Succeed())
	}
}

// resumed waits until these orderers order again and compares their blocks.
func (w *world) resumed(ctx context.Context, orderers ...string) {
	GinkgoHelper()
	for _, o := range orderers {
		Eventually(ctx, func() error { return w.orders(ctx, o, "mychannel") }).WithTimeout(time.Minute).Should(Succeed())
		// Appends and reads use separate connections: one may be restored before the other.
		Eventually(ctx, w.status(ctx, o, "mychannel")).WithTimeout(time.Minute).Should(Equal("consenter active"))
	}
	w.equal(ctx, "mychannel", orderers...)
}

// copies returns how often each envelope is in the blocks of each orderer.
func (w *world) copies(ctx context.Context, channel string, envelopes []*cb.Envelope, orderers ...string) (all []int) {
	GinkgoHelper()
	for _, o := range orderers {
		seen := map[[32]byte]int{}
		Expect(w.reader.Blocks(ctx, o, channel, func(b *cb.Block) error {
			for _, e := range b.Data.Data {
				seen[client.Digest(e)]++
			}
			return nil
		})).To(Succeed())
		for _, e := range envelopes {
			b, err := proto.Marshal(e)
			Expect(err).NotTo(HaveOccurred())
			all = append(all, seen[client.Digest(b)])
		}
	}
	return all
}

// leaderID returns the ID of the broker that leads the topic; -1 if none does.
func (w *world) leaderID() int32 { return w.partition().Leader }

// serves reports whether the broker with this ID accepts connections.
func (w *world) serves(id int) func() bool {
	return func() bool {
		c, err := net.Dial("tcp", w.Descriptor().Brokers[id-1])
		if err != nil {
			return false
		}
		return c.Close() == nil
	}
}
