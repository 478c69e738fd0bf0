package integration_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/links"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// stopped suspends a broker, like a machine that stalls.
func (w *world) stopped(_ context.Context, broker string) (repair func()) {
	Expect(w.Pause(broker)).To(Succeed())
	return func() { Expect(w.Continue(broker)).To(Succeed()) }
}

// silent lets a broker accept connections from orderers but answer nothing.
func (w *world) silent(ctx context.Context, broker string) (repair func()) {
	return w.slowLinks(ctx, broker, func(p links.Proxy, link string) error { return p.Swallow(ctx, link, links.Answers) })
}

// late delays every answer to an orderer.
func (w *world) late(ctx context.Context, broker string, by time.Duration) (repair func()) {
	return w.slowLinks(ctx, broker, func(p links.Proxy, link string) error {
		return p.Slow(ctx, link, int(by.Milliseconds()), 0, 100<<10)
	})
}

// unreachable drops connection attempts to a broker.
func (w *world) unreachable(ctx context.Context, broker string) (repair func()) {
	var fill []func()
	repaired := w.slowLinks(ctx, broker, func(p links.Proxy, link string) error {
		address, err := p.Address(ctx, link)
		if err == nil {
			err = p.Cut(ctx, link)
		}
		if err == nil {
			fill = append(fill, hole(address))
		}
		return err
	})
	return func() {
		for _, f := range fill {
			f()
		}
		repaired()
	}
}

// slowLinks applies a fault to the links of all orderers to a broker.
func (w *world) slowLinks(ctx context.Context, broker string, do func(links.Proxy, string) error) (repair func()) {
	proxy := links.Proxy(w.Descriptor().Proxy)
	for _, o := range w.Descriptor().Orderers {
		Expect(do(proxy, links.Name(o.Name, broker))).To(Succeed())
	}
	return func() { Eventually(func() error { return proxy.Repair(context.WithoutCancel(ctx)) }).Should(Succeed()) }
}

// throttled sets a quota for orderers at all brokers; the leader enforces it.
func (w *world) throttled(quota string, rate float64) (repair func()) {
	who := []sarama.QuotaEntityComponent{{EntityType: sarama.QuotaEntityClientID, MatchType: sarama.QuotaMatchExact, Name: "fabric-kafka-orderer"}}
	set := func(op sarama.ClientQuotasOp) {
		w.administer(func(a sarama.ClusterAdmin) error { return a.AlterClientQuotas(who, op, false) })
	}
	set(sarama.ClientQuotasOp{Key: quota, Value: rate})
	return func() { set(sarama.ClientQuotasOp{Key: quota, Remove: true}) }
}

// apart moves the topic's leader away from the controller.
func (w *world) apart(ctx context.Context) {
	controller, err := w.Controller()
	Expect(err).NotTo(HaveOccurred())
	if w.brokerOf(ctx, "leader") == controller {
		w.elect(ctx, controller)
	}
}

// elect makes any broker but one the leader of the topic, and the controller only as a last resort.
func (w *world) elect(_ context.Context, but string) {
	controller, err := w.Controller()
	Expect(err).NotTo(HaveOccurred())
	var first, last []int32
	for i, name := range w.BrokerNames() {
		if name == but || name == controller {
			last = append(last, int32(i+1))
		} else {
			first = append(first, int32(i+1))
		}
	}
	w.replicate(append(first, last...)...)
}

// brokerOf returns the name of the leader of the topic, the controller, or a broker that is neither.
func (w *world) brokerOf(ctx context.Context, role string) string {
	GinkgoHelper()
	controller, err := w.Controller()
	Expect(err).NotTo(HaveOccurred())
	leader := w.BrokerNames()[w.partition().Leader-1]
	switch role {
	case "leader":
		return leader
	case "controller":
		if leader == controller {
			w.elect(ctx, controller)
		}
		return controller
	}
	i := slices.IndexFunc(w.BrokerNames(), func(name string) bool { return name != leader && name != controller })
	return w.BrokerNames()[i]
}

// excluded reports whether, according to the other brokers, a broker is neither an in-sync replica nor the leader.
func (w *world) excluded(broker string) bool {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Net.DialTimeout, config.Net.ReadTimeout = time.Second, time.Second
	config.Metadata.Retry.Max = 0
	i := slices.Index(w.BrokerNames(), broker)
	others := slices.Delete(slices.Clone(w.Descriptor().Brokers), i, i+1)
	c, err := sarama.NewClient(others, config)
	if err != nil {
		return false
	}
	defer c.Close()
	in, err := c.InSyncReplicas("mychannel", 0)
	if err != nil || slices.Contains(in, int32(i+1)) {
		return false
	}
	leader, err := c.Leader("mychannel", 0)
	return err == nil && leader.ID() != int32(i+1)
}

// trickle starts a slow load through all orderers for this long.
func (w *world) trickle(ctx context.Context, d time.Duration) *running {
	r := &running{make(chan load.Result, 1)}
	go func() {
		defer GinkgoRecover()
		defer close(r.result)
		result, err := load.Run(ctx, load.Config{Channel: "mychannel", Who: w.user, Targets: w.targets(), Until: time.Now().Add(d),
			Rate: 20, Size: 500, Streams: 4, Persist: true, Settle: time.Minute})
		Expect(err).NotTo(HaveOccurred())
		r.result <- result
	}()
	return r
}

// names returns the names of the orderers.
func (w *world) names() (all []string) {
	for _, o := range w.Descriptor().Orderers {
		all = append(all, o.Name)
	}
	return all
}

// awaitBlock waits until every orderer has written another block.
func (w *world) awaitBlock(ctx context.Context) {
	GinkgoHelper()
	before := w.heights(ctx, "mychannel", w.names())
	Eventually(ctx, func() bool {
		for i, h := range w.heights(ctx, "mychannel", w.names()) {
			if h <= before[i] {
				return false
			}
		}
		return true
	}).WithPolling(20 * time.Millisecond).Should(BeTrue())
}

// gaps watches the orderers for this long and returns the longest time each went without a block.
func (w *world) gaps(ctx context.Context, d time.Duration) map[string]time.Duration {
	now := time.Now()
	longest, last, heights := map[string]time.Duration{}, map[string]time.Time{}, map[string]uint64{}
	for end := now.Add(d); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		for i, h := range w.heights(ctx, "mychannel", w.names()) {
			name := w.names()[i]
			if last[name].IsZero() {
				last[name], heights[name] = now, h
			}
			longest[name] = max(longest[name], time.Since(last[name]))
			if h > heights[name] {
				last[name], heights[name] = time.Now(), h
			}
		}
	}
	return longest
}

// recovers waits until both orderers order and all brokers are in sync, and compares all blocks.
func (w *world) recovers(ctx context.Context) {
	GinkgoHelper()
	for _, o := range w.names() {
		Eventually(ctx, func() error { return w.orders(ctx, o, "mychannel") }).WithTimeout(time.Minute).Should(Succeed())
	}
	Eventually(ctx, func() int { return len(w.partition().Isr) }).WithTimeout(time.Minute).Should(Equal(nodes))
	w.equal(ctx, "mychannel")
}

var waitSeries = regexp.MustCompile(`consensus_kafka_broker_wait_seconds\{broker="([^"]+)",channel="mychannel",operation="([^"]+)"\} (\S+)`)

// waits returns the seconds that orderers have waited for a broker, by orderer and operation.
func (w *world) waits(ctx context.Context, broker string) map[string]float64 {
	all := map[string]float64{}
	for _, o := range w.names() {
		address := w.linkOf(ctx, o, broker)
		_, text := w.operations(o, "/metrics")
		for _, m := range waitSeries.FindAllStringSubmatch(text, -1) {
			if seconds, err := strconv.ParseFloat(m[3], 64); err == nil && m[1] == address {
				all[o+" "+m[2]] = seconds
			}
		}
	}
	return all
}

// newWaits returns the waits that were added since before.
func (w *world) newWaits(ctx context.Context, broker string, before map[string]float64) map[string]float64 {
	all := w.waits(ctx, broker)
	for what, seconds := range before {
		all[what] -= seconds
	}
	maps.DeleteFunc(all, func(_ string, seconds float64) bool { return seconds <= 0 })
	return all
}

// linkOf returns the address at which an orderer reaches a broker.
func (w *world) linkOf(ctx context.Context, orderer, broker string) string {
	at, err := links.Proxy(w.Descriptor().Proxy).Address(ctx, links.Name(orderer, broker))
	Expect(err).NotTo(HaveOccurred())
	return at
}

// reportSlow adds gaps, waits, the last log line about the broker and the status to the report.
func (w *world) reportSlow(ctx context.Context, what, broker string, before map[string]float64, gaps map[string]time.Duration) {
	var lines []string
	for _, o := range w.Descriptor().Orderers {
		text, err := os.ReadFile(filepath.Join(w.Dir(), o.Log))
		Expect(err).NotTo(HaveOccurred())
		address, last := w.linkOf(ctx, o.Name, broker), ""
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "A broker does not answer") && strings.Contains(line, address) {
				last = strings.TrimSpace(line)
			}
		}
		lines = append(lines, fmt.Sprintf("%s: %s; log: %s", o.Name, w.status(ctx, o.Name, "mychannel")(), last))
	}
	status, err := w.tool(ctx, "status")
	Expect(err).NotTo(HaveOccurred())
	lines = append(lines, status)
	AddReportEntry(what, fmt.Sprintf("gaps %v, waited %v\n%s", gaps, w.newWaits(ctx, broker, before), strings.Join(lines, "\n")))
}
