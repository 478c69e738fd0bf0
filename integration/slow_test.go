package integration_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// shipped are the values of consenter/settings/kafka.yaml, which networks otherwise shorten.
var shipped = []string{"TIMEOUTS_DIAL=5s", "TIMEOUTS_READ=10s", "RETRY_MAX=5s"}

// The promise: without a block for no longer than this, whatever one broker of three does.
const mostGap = 5 * time.Second

// Ways in which a broker is slow, for orderers; the others see it well, unless it is stopped.
var slowness = map[string]func(*world, context.Context, string) (mend func()){
	"stopped":               (*world).stopped,
	"silent":                (*world).silent,
	"unreachable":           (*world).unreachable,
	"late by 1s":            func(w *world, ctx context.Context, broker string) func() { return w.late(ctx, broker, time.Second) },
	"late by 3s":            func(w *world, ctx context.Context, broker string) func() { return w.late(ctx, broker, 3*time.Second) },
	"throttling appends":    func(w *world, ctx context.Context, _ string) func() { return w.throttled("producer_byte_rate", 10000) },
	"throttling everything": func(w *world, ctx context.Context, _ string) func() { return w.throttled("request_percentage", 1) },
}

// slowRow is a broker that is slow, and what comes of it.
type slowRow struct {
	role, is string
	watched  time.Duration // 35 s: a check of the topic is in it
	gap      time.Duration // the longest time without a block
	named    bool          // it is waited for
}

// minutes is the label of specs that take so many that make kafka leaves them out; make test-kafka has them.
var minutes = Label("minutes")

// label has make kafka run the rows of brokers that are stopped alone.
func (r slowRow) label() Labels {
	if r.is == "stopped" {
		return nil
	}
	return minutes
}

var _ = Describe("one slow broker of three, at the shipped timeouts", Ordered, ContinueOnFailure, onKafka, func() {
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1, Proxied: true, Settings: shipped})
		w.apart(ctx)
	}, NodeTimeout(5*time.Minute))

	for _, row := range []slowRow{
		{"follower", "stopped", 15 * time.Second, mostGap, false},
		{"follower", "silent", 35 * time.Second, mostGap, true},
		{"follower", "unreachable", 15 * time.Second, mostGap, false},
		{"follower", "late by 3s", 15 * time.Second, mostGap, false},
		{"controller", "stopped", 15 * time.Second, mostGap, false},
		{"controller", "silent", 15 * time.Second, mostGap, false},
		{"leader", "stopped", 15 * time.Second, mostGap, false},
		{"leader", "late by 1s", 20 * time.Second, mostGap, false},
		// Five answers of the only broker that has the records, 3 s each: more than the promise, and named.
		{"leader", "late by 3s", 25 * time.Second, 5 * 3 * time.Second, true},
		{"leader", "throttling appends", 20 * time.Second, mostGap, true},
		// Kafka answers a fetch without a record while the quota is exceeded: how long is not ours to bound.
		{"leader", "throttling everything", 20 * time.Second, 20 * time.Second, true},
	} {
		It("does not hold up blocks: the "+row.role+", "+row.is, func(ctx SpecContext) {
			broker := w.brokerOf(ctx, row.role)
			before := w.waits(ctx, broker)
			running := w.trickle(ctx, row.watched)
			w.moves(ctx)
			mend := w.once(slowness[row.is](w, ctx, broker))
			gaps := w.gaps(ctx, row.watched-5*time.Second)
			w.reportSlow(ctx, row.role+" "+row.is, broker, before, gaps)
			mend()
			running.sound(ctx)
			for orderer, gap := range gaps {
				Expect(gap).To(BeNumerically("<", row.gap), "%s wrote no block", orderer)
			}
			if row.named {
				Expect(w.newWaits(ctx, broker, before)).NotTo(BeEmpty(), "nobody is named")
			}
		}, SpecTimeout(3*time.Minute), row.label())
	}

	for _, is := range []string{"silent", "unreachable"} {
		It("is named while it leads and no orderer reaches it, and left once another leads: "+is, func(ctx SpecContext) {
			broker := w.brokerOf(ctx, "leader")
			before := w.waits(ctx, broker)
			running := w.trickle(ctx, 20*time.Second)
			w.moves(ctx)
			mend := w.once(slowness[is](w, ctx, broker))
			began := time.Now()
			Eventually(ctx, func() map[string]float64 { return w.newWaits(ctx, broker, before) }).WithTimeout(mostGap).ShouldNot(BeEmpty(), "it is named")
			named := time.Since(began)
			status, err := w.tool(ctx, "status")
			Expect(err).NotTo(HaveOccurred())
			Expect(status).To(ContainSubstring("for broker "), "what is waited for")
			w.reportSlow(ctx, "leader "+is, broker, before, nil)
			w.elect(ctx, broker)
			elected := time.Now()
			w.moves(ctx)
			AddReportEntry("leader "+is, fmt.Sprintf("named after %s, a block %s after another was elected", named.Round(time.Millisecond), time.Since(elected).Round(time.Millisecond)))
			Expect(time.Since(elected)).To(BeNumerically("<", mostGap))
			mend()
			running.sound(ctx)
		}, SpecTimeout(3*time.Minute), minutes)
	}
})

// once mends what is slow when a spec says so, or fails before. The next spec finds brokers that are in sync.
func (w *world) once(mend func()) func() {
	f := sync.OnceFunc(mend)
	DeferCleanup(func(ctx SpecContext) {
		f()
		w.recovers(ctx)
	}, NodeTimeout(2*time.Minute))
	return f
}

// Kafka's own defaults for what the tool's brokers shorten.
var kafkaDefaults = []string{"broker.session.timeout.ms=9000", "broker.heartbeat.interval.ms=2000", "controller.quorum.fetch.timeout.ms=2000",
	"controller.quorum.election.timeout.ms=1000", "controller.quorum.election.backoff.max.ms=1000", "controller.quorum.request.timeout.ms=2000",
	"replica.lag.time.max.ms=30000", "replica.fetch.wait.max.ms=500", "replica.fetch.backoff.ms=1000"}

var _ = Describe("one stopped broker of three, at Kafka's default timeouts", Ordered, ContinueOnFailure, onKafka, minutes, func() {
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1, Proxied: true, Settings: shipped, BrokerLines: kafkaDefaults})
		w.apart(ctx)
	}, NodeTimeout(5*time.Minute))

	for _, role := range []string{"follower", "controller", "leader"} {
		It("is named until Kafka excludes it, and then blocks continue: the "+role, func(ctx SpecContext) {
			broker := w.brokerOf(ctx, role)
			before := w.waits(ctx, broker)
			running := w.trickle(ctx, 40*time.Second)
			w.moves(ctx)
			mend := w.once(w.stopped(ctx, broker))
			began := time.Now()
			// What waits for a follower is an append at the leader: who is at fault is seen by asking each.
			Eventually(ctx, func() map[string]float64 { return w.newWaits(ctx, broker, before) }).WithTimeout(2*mostGap).ShouldNot(BeEmpty(), "it is named")
			named := time.Since(began)
			status, err := w.tool(ctx, "status")
			Expect(err).NotTo(HaveOccurred())
			Expect(status).To(ContainSubstring("for broker "), "what is waited for")
			Eventually(ctx, func() bool { return w.excluded(broker) }).Should(BeTrue())
			excluded := time.Now()
			w.moves(ctx)
			took := time.Since(excluded)
			w.reportSlow(ctx, role+" stopped, Kafka's defaults", broker, before, nil)
			AddReportEntry(role+" stopped, Kafka's defaults", fmt.Sprintf("named after %s, excluded by Kafka after %s, a block %s later",
				named.Round(time.Millisecond), excluded.Sub(began).Round(time.Millisecond), took.Round(time.Millisecond)))
			Expect(took).To(BeNumerically("<", mostGap))
			mend()
			running.sound(ctx)
		}, SpecTimeout(4*time.Minute))
	}
})
