package integration_test

import (
	"context"
	"os/exec"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/hyperledger/fabric/protoutil"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// tool runs the network tool.
func (w *world) tool(ctx context.Context, args ...string) (string, error) {
	c := exec.CommandContext(ctx, w.Bin("network"), append(args, "--dir", w.Dir())...)
	out, err := c.CombinedOutput()
	GinkgoWriter.Printf("network %s: %s\n", strings.Join(args, " "), out)
	return string(out), err
}

// rules returns a function that reads the rule set in the metadata of an orderer's newest block.
func (w *world) rules(ctx context.Context, orderer string) func() record.RuleSet {
	return func() record.RuleSet { return w.metadata(ctx, orderer).RuleSet }
}

// metadata returns the consenter metadata of the newest block.
func (w *world) metadata(ctx context.Context, orderer string) *record.Metadata {
	o, err := w.reader.Dial(orderer)
	Expect(err).NotTo(HaveOccurred())
	defer o.Close()
	b, err := o.Newest(ctx, w.admin, "mychannel")
	Expect(err).NotTo(HaveOccurred())
	value, err := protoutil.GetConsenterMetadataFromBlock(b)
	Expect(err).NotTo(HaveOccurred())
	m, err := record.DecodeMetadata(value.GetValue())
	Expect(err).NotTo(HaveOccurred())
	return m
}

var _ = Describe("a channel started by in-tree orderers", func() {
	It("upgrades to the strict rules on an operator's command, once no in-tree orderer writes", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1, Compatible: []string{"mychannel"}})
		w.load(ctx, "mychannel", 3*time.Second).sound(ctx)
		Expect(w.rules(ctx, "orderer1")()).To(Equal(record.RuleSet_RULE_SET_COMPATIBLE))

		By("refusing while an in-tree orderer writes")
		w.write(ctx, "mychannel", encoded(record.NewConnect(nil)))
		out, err := w.tool(ctx, "upgrade-rules")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("were not written by an orderer of ours, for instance connect at offset"))
		Expect(w.rules(ctx, "orderer1")()).To(Equal(record.RuleSet_RULE_SET_COMPATIBLE))

		By("upgrading under load with --force")
		traffic := w.load(ctx, "mychannel", 8*time.Second)
		time.Sleep(2 * time.Second) // let the load start
		_, err = w.tool(ctx, "upgrade-rules", "--force")
		Expect(err).NotTo(HaveOccurred())
		Eventually(ctx, w.rules(ctx, "orderer1")).Should(Equal(record.RuleSet_RULE_SET_STRICT))
		out, err = w.tool(ctx, "upgrade-rules", "--force")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("by the strict rules already"))
		Expect(w.Kill("orderer2")).To(Succeed())
		Expect(w.Start(ctx, "orderer2")).To(Succeed())
		traffic.sound(ctx)
		w.equal(ctx, "mychannel")
		Expect(w.rules(ctx, "orderer2")()).To(Equal(record.RuleSet_RULE_SET_STRICT))
	}, SpecTimeout(6*time.Minute))
})

var _ = Describe("a topic that was moved", func() {
	It("is accepted after an operator repins it, and only with every record at its offset", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1})
		w.load(ctx, "mychannel", 2*time.Second).sound(ctx)
		height := w.equal(ctx, "mychannel")
		// Only the records of the newest block: an unused time-to-cut may follow them.
		m := w.metadata(ctx, "orderer1")
		next := m.LastOffsetPersisted + 1
		if len(m.CutDigest) > 0 {
			next++
		}
		values := w.values(ctx, "mychannel")[:next]

		By("moving it without the last record")
		w.recreate("mychannel", values[:len(values)-1])
		for _, o := range []string{"orderer1", "orderer2"} {
			Eventually(ctx, w.status(ctx, o, "mychannel")).WithTimeout(time.Minute).Should(Equal("consenter failed"))
		}
		Expect(w.orders(ctx, "orderer1", "mychannel")).To(MatchError(ContainSubstring("its id was")))
		out, err := w.tool(ctx, "repin", "--restart")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("ends at offset"))

		By("moving it with another last record")
		w.recreate("mychannel", append(values[:len(values)-1:len(values)-1], []byte("another")))
		out, err = w.tool(ctx, "repin", "--restart")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("is not the log that the ledger was made from"))
		Expect(w.orders(ctx, "orderer2", "mychannel")).To(HaveOccurred())

		By("moving all records, and deleting those that could be compared")
		w.recreate("mychannel", values)
		w.trim("mychannel", len(values))
		out, err = w.tool(ctx, "repin", "--restart")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("are not in the topic: nothing shows that the topic is theirs"))

		By("moving all records")
		w.recreate("mychannel", values)
		_, err = w.tool(ctx, "repin", "--restart")
		Expect(err).NotTo(HaveOccurred())
		moved, err := fabricnet.Open(w.Dir()) // the command has restarted the orderers
		Expect(err).NotTo(HaveOccurred())
		*w.Network = *moved
		for _, o := range []string{"orderer1", "orderer2"} {
			Expect(w.AwaitActive(ctx, o, "mychannel")).To(Succeed())
			Eventually(ctx, func() error { return w.orders(ctx, o, "mychannel") }).Should(Succeed())
		}
		Eventually(ctx, func() uint64 { return w.equal(ctx, "mychannel") }).Should(BeNumerically(">", height))
		out, err = w.tool(ctx, "repin", "--restart")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(ContainSubstring("there is nothing to do"))
	}, SpecTimeout(6*time.Minute))
})

// values returns all values of a topic, from offset 0.
func (w *world) values(ctx context.Context, topic string) (values [][]byte) {
	l, err := inspect.OpenTopic(w.Descriptor().Brokers, topic)
	Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	bounds, err := l.Bounds(ctx)
	Expect(err).NotTo(HaveOccurred())
	reader, err := l.Read(ctx, 0)
	Expect(err).NotTo(HaveOccurred())
	defer reader.Close()
	for range bounds.End {
		r, err := reader.Next(ctx)
		Expect(err).NotTo(HaveOccurred())
		values = append(values, r.Value)
	}
	return values
}

// trim deletes the records of a topic below an offset.
func (w *world) trim(topic string, below int) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	admin, err := sarama.NewClusterAdmin(w.Descriptor().Brokers, config)
	Expect(err).NotTo(HaveOccurred())
	defer admin.Close()
	Expect(admin.DeleteRecords(topic, map[int32]int64{0: int64(below)})).To(Succeed())
}

// recreate deletes a topic and creates one of the same name with these values.
func (w *world) recreate(topic string, values [][]byte) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.Return.Successes = true
	config.Metadata.Retry.Max, config.Producer.Retry.Max = 40, 40 // not all brokers know the new topic at once
	admin, err := sarama.NewClusterAdmin(w.Descriptor().Brokers, config)
	Expect(err).NotTo(HaveOccurred())
	defer admin.Close()
	Expect(admin.DeleteTopic(topic)).To(Succeed())
	Expect(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)).To(Succeed())
	producer, err := sarama.NewSyncProducer(w.Descriptor().Brokers, config)
	Expect(err).NotTo(HaveOccurred())
	defer producer.Close()
	for i, v := range values {
		// A broker that has not deleted the old topic yet accepts a record for it: that one is not in the new topic.
		Eventually(func() (int64, error) {
			_, offset, err := producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(v)})
			return offset, err
		}).Should(BeEquivalentTo(i), "the offset of the record")
	}
}
