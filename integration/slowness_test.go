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

// stopped has a broker do nothing any more, as a machine that stalls.
func (w *world) stopped(_ context.Context, broker string) (mend func()) {
	Expect(w.Pause(broker)).To(Succeed())
	return func() { Expect(w.Continue(broker)).To(Succeed()) }
}

// silent has a broker accept connections of orderers, and answer nothing.
func (w *world) silent(ctx context.Context, broker string) (mend func()) {
	return w.slowLinks(ctx, broker, func(p links.Proxy, link string) error { return p.Swallow(ctx, link, links.Answers) })
}

// late has every answer to an orderer come that much later.
func (w *world) late(ctx context.Context, broker string, by time.Duration) (mend func()) {
	return w.slowLinks(ctx, broker, func(p links.Proxy, link string) error {
		return p.Slow(ctx, link, int(by.Milliseconds()), 0, 100<<10)
	})
}

// unreachable drops what connects to a broker.
func (w *world) unreachable(ctx context.Context, broker string) (mend func()) {
	var fill []func()
	mended := w.slowLinks(ctx, broker, func(p links.Proxy, link string) error {
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
		mended()
	}
}

// slowLinks does something to the links of all orderers to a broker.
func (w *world) slowLinks(ctx context.Context, broker string, do func(links.Proxy, string) error) (mend func()) {
	proxy := links.Proxy(w.Descriptor().Proxy)
	for _, o := range w.Descriptor().Orderers {
		Expect(do(proxy, links.Name(o.Name, broker))).To(Succeed())
	}
	return func() { Eventually(func() error { return proxy.Mend(context.WithoutCancel(ctx)) }).Should(Succeed()) }
}

// throttled gives orderers a quota at all brokers, which the leader applies.
func (w *world) throttled(quota string, rate float64) (mend func()) {
	who := []sarama.QuotaEntityComponent{{EntityType: sarama.QuotaEntityClientID, MatchType: sarama.QuotaMatchExact, Name: "fabric-kafka-orderer"}}
	set := func(op sarama.ClientQuotasOp) {
		w.administer(func(a sarama.ClusterAdmin) error { return a.AlterClientQuotas(who, op, false) })
	}
	set(sarama.ClientQuotasOp{Key: quota, Value: rate})
	return func() { set(sarama.ClientQuotasOp{Key: quota, Remove: true}) }
}

// apart has another broker lead the topic than the one that is the controller.
func (w *world) apart(ctx context.Context) {
	controller, err := w.Controller()
	Expect(err).NotTo(HaveOccurred())
	if w.brokerOf(ctx, "leader") == controller {
		w.elect(ctx, controller)
	}
}

// elect has any broker but one lead the topic, the controller only if it must.
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

// brokerOf names the leader of the topic, the controller, or one that is neither.
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

// excluded reports whether the others say that a broker is no in-sync replica any more, and not the leader.
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

// trickle orders a little for so long through all orderers.
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

// names are the orderers'.
func (w *world) names() (all []string) {
	for _, o := range w.Descriptor().Orderers {
		all = append(all, o.Name)
	}
	return all
}

// moves waits until every orderer has written another block.
func (w *world) moves(ctx context.Context) {
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

// gaps follows the orderers for so long, and returns how long each was without a block at most.
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

// recovers waits until both orderers order and all brokers are in sync, with equal blocks.
func (w *world) recovers(ctx context.Context) {
	GinkgoHelper()
	for _, o := range w.names() {
		Eventually(ctx, func() error { return w.orders(ctx, o, "mychannel") }).WithTimeout(time.Minute).Should(Succeed())
	}
	Eventually(ctx, func() int { return len(w.partition().Isr) }).WithTimeout(time.Minute).Should(Equal(nodes))
	w.equal(ctx, "mychannel")
}

var waitSeries = regexp.MustCompile(`consensus_kafka_broker_wait_seconds\{broker="([^"]+)",channel="mychannel",operation="([^"]+)"\} (\S+)`)

// waits are the seconds that orderers have waited for a broker, by orderer and operation.
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

// newWaits are the seconds since then.
func (w *world) newWaits(ctx context.Context, broker string, before map[string]float64) map[string]float64 {
	all := w.waits(ctx, broker)
	for what, seconds := range before {
		all[what] -= seconds
	}
	maps.DeleteFunc(all, func(_ string, seconds float64) bool { return seconds <= 0 })
	return all
}

// linkOf is the address by which an orderer knows a broker.
func (w *world) linkOf(ctx context.Context, orderer, broker string) string {
	at, err := links.Proxy(w.Descriptor().Proxy).Address(ctx, links.Name(orderer, broker))
	Expect(err).NotTo(HaveOccurred())
	return at
}

// reportSlow keeps what was seen of a broker for the report: gaps, metrics, the first line of the log, the status.
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
