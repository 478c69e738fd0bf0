package integration_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/IBM/sarama"
	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/stress/chaos"
	"github.com/fabric-kafka/orderer/network/stress/history"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// onKafka labels specs that need several brokers of Apache Kafka. `make integration`
// leaves them out on the embedded broker; `make kafka` runs only them.
var onKafka = Label("kafka")

var _ = Describe("a network with three brokers of Apache Kafka", Ordered, onKafka, func() {
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 3, Peers: -1})
		Expect(w.BrokerNames()).To(HaveLen(nodes), "run with -brokers=apache")
	}, NodeTimeout(10*time.Minute))

	It("loses, duplicates and forks nothing while brokers and orderers are killed and leaders move", func(ctx SpecContext) {
		report := w.chaos(ctx, 12, "leader-kill", "follower-kill", "controller-kill", "broker-stall", "brokers-rolling", "leader-move",
			"orderer-kill", "orderer-stall", "orderer-restart")
		// On an idle machine these are 0.2 s and 4 s; the limits are what a client would call an outage.
		Expect(report.After["kill orderer"].Longest).To(BeNumerically("<", 15*time.Second))
		Expect(report.After["kill broker, the leader"].Longest).To(BeNumerically("<", 45*time.Second))
	}, NodeTimeout(8*time.Minute))

	It("refuses envelopes over a topic's lowered limit, and loses none", func(ctx SpecContext) {
		report := w.chaos(ctx, 1, "limit-low")
		Expect(report.Refused).To(BeNumerically(">", 0), "nothing was refused")
	}, NodeTimeout(8*time.Minute))

	It("orders again after two of three brokers return", func(ctx SpecContext) {
		leader := w.leader("mychannel")
		height := w.equal(ctx, "mychannel")
		var others []string
		for i, name := range w.BrokerNames() {
			if w.Descriptor().Brokers[i] != leader {
				others = append(others, name)
				Expect(w.Kill(name)).To(Succeed())
			}
		}
		Expect(w.orders(ctx, "orderer1", "mychannel")).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "in-sync replicas"))
		for _, name := range others {
			Expect(w.Start(ctx, name)).To(Succeed())
		}
		for _, o := range []string{"orderer1", "orderer2", "orderer3"} {
			Eventually(ctx, func() error { return w.orders(ctx, o, "mychannel") }).WithTimeout(2 * time.Minute).Should(Succeed())
		}
		Expect(w.equal(ctx, "mychannel")).To(BeNumerically(">", height))
	}, NodeTimeout(10*time.Minute))

	It("orders again after all brokers return", func(ctx SpecContext) {
		height := w.equal(ctx, "mychannel")
		Expect(w.StopBrokers()).To(Succeed())
		for _, o := range []string{"orderer1", "orderer2", "orderer3"} {
			Eventually(ctx, w.status(ctx, o, "mychannel")).Should(Equal("consenter inactive"))
			Expect(w.readable(ctx, o, "mychannel", height)).To(Succeed(), "old blocks are readable")
		}
		Expect(w.StartBrokers(ctx)).To(Succeed())
		for _, o := range []string{"orderer1", "orderer2", "orderer3"} {
			Eventually(ctx, func() error { return w.orders(ctx, o, "mychannel") }).WithTimeout(2 * time.Minute).Should(Succeed())
		}
		w.equal(ctx, "mychannel")
	}, NodeTimeout(10*time.Minute))

	// Must be the last spec: it deletes the topic.
	It("stops the channel when acknowledged records are lost to an unclean election or a recreated topic", func(ctx SpecContext) {
		w.loseTail(ctx)
		for o, says := range map[string]string{"orderer1": "the ledger was made from the records below", "orderer3": "is not the log that the ledger was made from"} {
			Eventually(ctx, w.status(ctx, o, "mychannel")).WithTimeout(2 * time.Minute).Should(Equal("consenter failed"))
			Expect(w.orders(ctx, o, "mychannel")).To(refuse(cb.Status_SERVICE_UNAVAILABLE, says))
		}

		By("deleting and recreating the topic")
		Expect(w.Kill("orderer2")).To(Succeed())
		w.administer(func(a sarama.ClusterAdmin) error { return a.DeleteTopic("mychannel") })
		w.administer(func(a sarama.ClusterAdmin) error {
			return a.CreateTopic("mychannel", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 3}, false)
		})
		Expect(w.Start(ctx, "orderer2")).To(Succeed())
		Eventually(ctx, w.status(ctx, "orderer2", "mychannel")).Should(Equal("consenter failed"))
		Expect(w.orders(ctx, "orderer2", "mychannel")).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "is not the one that the channel was built on"))
		_, err := w.reader.Verify(ctx, "mychannel", []string{"orderer1", "orderer2", "orderer3"})
		Expect(err).NotTo(HaveOccurred(), "no ledger has forked")
	}, NodeTimeout(8*time.Minute))
})

// chaos injects a number of faults under load and checks the history.
func (w *world) chaos(ctx context.Context, rounds int, faults ...string) history.Report {
	GinkgoHelper()
	chosen, err := chaos.Named(w.Options(), faults)
	Expect(err).NotTo(HaveOccurred())
	var file bytes.Buffer
	err = chaos.Run(ctx, chaos.Config{
		Network: w.Network, Channel: "mychannel", Duration: 5 * time.Minute, Rounds: rounds,
		Seed: uint64(GinkgoRandomSeed()), Faults: chosen, Rest: time.Second,
		Load:    load.Config{Who: w.user, Targets: w.targets(), Rate: 100, Size: 1500, Streams: 6},
		History: history.NewWriter(&file), Progress: GinkgoWriter,
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(filepath.Join(w.Dir(), "history.jsonl"), file.Bytes(), 0o644)).To(Succeed())
	events, err := history.Read(&file)
	Expect(err).NotTo(HaveOccurred())
	report := history.Check(events)
	GinkgoWriter.Print(report)
	Expect(report.Broken).To(BeEmpty())
	Expect(report.Acknowledged).To(BeNumerically(">", report.Submitted/2), "the load did not get through")
	return report
}

// loseTail makes the brokers lose records that orderers have read. orderer1 is
// running at the time; orderer3 starts when the log is longer than it was.
// The third broker only keeps the quorum of controllers.
func (w *world) loseTail(ctx context.Context) {
	w.replicate(1, 2)
	w.settings(map[string]string{"unclean.leader.election.enable": "true", "min.insync.replicas": "1"})
	names := w.BrokerNames()
	Expect(w.Kill(names[1])).To(Succeed())
	Eventually(ctx, func() error { return w.orders(ctx, "orderer1", "mychannel") }).WithTimeout(time.Minute).Should(Succeed())
	for range 20 { // replicated to the first broker only
		Expect(w.orders(ctx, "orderer1", "mychannel")).To(Succeed())
	}
	w.equal(ctx, "mychannel")
	for _, o := range []string{"orderer2", "orderer3"} {
		Expect(w.Kill(o)).To(Succeed())
	}
	Expect(w.Kill(names[0])).To(Succeed())
	Expect(w.Start(ctx, names[1])).To(Succeed())
	Eventually(ctx, w.status(ctx, "orderer1", "mychannel")).WithTimeout(2 * time.Minute).Should(Equal("consenter failed"))
	w.write(ctx, "mychannel", slices.Repeat([][]byte{[]byte("another")}, 1000)...)
	Expect(w.Start(ctx, "orderer3")).To(Succeed())
	Expect(w.Start(ctx, names[0])).To(Succeed())
}

// replicate assigns the topic to these brokers, with the first as leader, and waits until all are in sync.
func (w *world) replicate(brokers ...int32) {
	GinkgoHelper()
	w.administer(func(a sarama.ClusterAdmin) error {
		return a.AlterPartitionReassignments("mychannel", [][]int32{brokers})
	})
	Eventually(func() []int32 {
		p := w.partition()
		if p.Leader != brokers[0] { // it may have to catch up before it can lead
			w.administer(func(a sarama.ClusterAdmin) error {
				_, err := a.ElectLeaders(sarama.PreferredElection, map[string][]int32{"mychannel": {0}})
				return err
			})
		}
		return append([]int32{p.Leader}, slices.Sorted(slices.Values(p.Isr))...)
	}).Should(Equal(append([]int32{brokers[0]}, slices.Sorted(slices.Values(brokers))...)))
}

// partition returns the metadata of the topic's only partition.
func (w *world) partition() (p sarama.PartitionMetadata) {
	GinkgoHelper()
	w.administer(func(a sarama.ClusterAdmin) error {
		topics, err := a.DescribeTopics([]string{"mychannel"})
		if err != nil {
			return err
		}
		if len(topics) != 1 || len(topics[0].Partitions) != 1 {
			return errors.New("the brokers returned no description of the topic")
		}
		p = *topics[0].Partitions[0]
		return nil
	})
	return p
}

func (w *world) settings(values map[string]string) {
	GinkgoHelper()
	entries := map[string]sarama.IncrementalAlterConfigsEntry{}
	for name, value := range values {
		entries[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	}
	w.administer(func(a sarama.ClusterAdmin) error {
		return a.IncrementalAlterConfig(sarama.TopicResource, "mychannel", entries, false)
	})
}

// administer retries a request until it succeeds: brokers may not be ready yet.
func (w *world) administer(f func(sarama.ClusterAdmin) error) {
	GinkgoHelper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	Eventually(func() error {
		a, err := sarama.NewClusterAdmin(w.Descriptor().Brokers, config)
		if err != nil {
			return err
		}
		defer a.Close()
		return f(a)
	}).Should(Succeed())
}

// leader returns the address of the broker that leads the topic.
func (w *world) leader(topic string) string {
	GinkgoHelper()
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	c, err := sarama.NewClient(w.Descriptor().Brokers, config)
	Expect(err).NotTo(HaveOccurred())
	defer c.Close()
	b, err := c.Leader(topic, 0)
	Expect(err).NotTo(HaveOccurred())
	return b.Addr()
}
