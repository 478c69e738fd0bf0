package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

var _ = Describe("an orderer as operators see and configure it", Ordered, func() {
	const channel = "mychannel"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1})
	}, NodeTimeout(6*time.Minute))

	It("refuses an envelope that is too large, with its size and the limit", func(ctx SpecContext) {
		e, err := w.user.Message(channel, 11<<20)
		Expect(err).NotTo(HaveOccurred())
		size := len(e.Payload) + len(e.Signature)
		Expect(w.submit(ctx, "orderer1", e)).To(refuse(cb.Status_BAD_REQUEST, fmt.Sprintf("message payload is %d bytes and exceeds maximum allowed %d bytes", size, 10<<20)))

		By("lowering the topic's limit below the channel's")
		w.alter(channel, "max.message.bytes", "20000")
		e, err = w.user.Message(channel, 40_000)
		Expect(err).NotTo(HaveOccurred())
		submit := func() error {
			err = w.submit(ctx, "orderer1", e)
			return err
		}
		Eventually(ctx, submit).Should(refuse(cb.Status_SERVICE_UNAVAILABLE, "the topic's max.message.bytes is 20000"), "brokers apply a setting with a delay")
		said := regexp.MustCompile(`record is too large: (\d+) bytes`).FindStringSubmatch(err.Error())
		Expect(said).To(HaveLen(2), "%v", err)
		Expect(strconv.Atoi(said[1])).To(BeNumerically("~", 40_000, 4000))
		w.alter(channel, "max.message.bytes", fmt.Sprint(11<<20))
		Eventually(ctx, submit).Should(Succeed())
	}, NodeTimeout(4*time.Minute))

	It("reports its progress, and stays healthy while the brokers are down", func(ctx SpecContext) {
		for range 3 {
			Expect(w.orders(ctx, "orderer2", channel)).To(Succeed())
		}
		w.equal(ctx, channel)
		for _, o := range []string{"orderer1", "orderer2"} {
			// A description, four envelopes, and a time-to-cut at least.
			Eventually(ctx, w.metric(o, "next_offset", channel)).Should(BeNumerically(">=", 6))
			Eventually(ctx, w.metric(o, "lag", channel)).Should(BeZero())
			Expect(w.metric(o, "log_end", channel)()).To(BeNumerically(">=", 6))
			Expect(w.metric(o, "available", channel)()).To(Equal(1.0))
			Expect(w.metric(o, "reconnects", channel)()).To(BeZero())
		}
		Expect(w.StopBrokers()).To(Succeed())
		Eventually(ctx, w.metric("orderer1", "available", channel)).Should(BeZero())
		Eventually(ctx, w.metric("orderer1", "since_record_seconds", channel)).Should(BeNumerically(">", 5))
		Expect(w.metric("orderer1", "interruptions", channel)()).To(BeNumerically(">", 0))
		Expect(w.health("orderer1")).To(HavePrefix("200"))
		Expect(w.metric("orderer1", "failed", channel)()).To(BeZero())
		Expect(w.StartBrokers(ctx)).To(Succeed())
		Eventually(ctx, w.metric("orderer1", "reconnects", channel)).Should(Equal(1.0))
		Expect(w.metric("orderer1", "available", channel)()).To(Equal(1.0))
	}, NodeTimeout(4*time.Minute))

	It("reports an outage as unhealthy and rejects an unsafe topic if configured to", func(ctx SpecContext) {
		w.alter(channel, "retention.ms", "86400000")
		Expect(w.Set(ctx, "HEALTH=brokers", "DELIVERGRACE=2s", "PREFLIGHT=enforce")).To(Succeed())
		Eventually(ctx, func() error { return w.orders(ctx, "orderer1", channel) }).
			Should(refuse(cb.Status_SERVICE_UNAVAILABLE, "retention.ms is 86400000, want -1"))
		Expect(w.status(ctx, "orderer1", channel)()).To(Equal("consenter inactive"))
		Eventually(ctx, func() string { return w.health("orderer1") }).Should(And(HavePrefix("503"), ContainSubstring("channel "+channel+" has been cut off for")))
		out, err := w.tool(ctx, "preflight", channel)
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("--add-config retention.ms=-1"))

		if *brokers == "embedded" {
			return // a single broker remains a finding
		}
		w.alter(channel, "retention.ms", "-1")
		Eventually(ctx, func() error { return w.orders(ctx, "orderer1", channel) }).Should(Succeed())
		Eventually(ctx, func() string { return w.health("orderer1") }).Should(HavePrefix("200"))
		Expect(w.AwaitActive(ctx, "orderer2", channel)).To(Succeed())
		w.equal(ctx, channel)
	}, NodeTimeout(4*time.Minute))
})

// alter changes a setting of a topic, as kafka-configs.sh does, and waits until each broker has it.
func (w *world) alter(topic, setting, value string) {
	GinkgoHelper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	admin, err := sarama.NewClusterAdmin(w.Descriptor().Brokers, config)
	Expect(err).NotTo(HaveOccurred())
	defer admin.Close()
	Expect(admin.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
		setting: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
	}, false)).To(Succeed())
	for _, broker := range w.Descriptor().Brokers {
		Eventually(func() (string, error) { return topicSetting(config, broker, topic, setting) }).Should(Equal(value), broker)
	}
}

// topicSetting returns the value of a topic's setting on one broker.
func topicSetting(config *sarama.Config, broker, topic, setting string) (string, error) {
	b := sarama.NewBroker(broker)
	if err := b.Open(config); err != nil {
		return "", err
	}
	defer b.Close()
	answer, err := b.DescribeConfigs(&sarama.DescribeConfigsRequest{
		Version: 1, Resources: []*sarama.ConfigResource{{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{setting}}},
	})
	if err != nil {
		return "", err
	}
	for _, r := range answer.Resources {
		for _, c := range r.Configs {
			return c.Value, nil
		}
	}
	return "", fmt.Errorf("%s returned no %s of topic %s", broker, setting, topic)
}

// operations sends a GET request to an orderer's operations endpoint.
func (w *world) operations(orderer, path string) (code int, text string) {
	o, err := w.Orderer(orderer)
	if err != nil {
		return 0, err.Error()
	}
	return get("http://" + o.Operations + path)
}

// get returns the answer to a GET; 0 and the error if there is none.
func get(url string) (code int, text string) {
	r, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, err.Error()
	}
	return r.StatusCode, string(body)
}

// health returns the answer of an orderer's /healthz.
func (w *world) health(orderer string) string {
	code, text := w.operations(orderer, "/healthz")
	return fmt.Sprint(code, " ", text)
}

// metric returns a function that reads a metric of a channel; -1 if it is missing.
func (w *world) metric(orderer, name, channel string) func() float64 {
	return func() float64 { return w.series(orderer, "consensus_kafka_"+name, channel) }
}

// series reads a metric of a channel by its full name; -1 if it is missing.
func (w *world) series(orderer, name, channel string) float64 {
	_, text := w.operations(orderer, "/metrics")
	for line := range strings.Lines(text) {
		if value, is := strings.CutPrefix(line, fmt.Sprintf("%s{channel=%q} ", name, channel)); is {
			if f, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
				return f
			}
		}
	}
	return -1
}
