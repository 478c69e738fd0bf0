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

// shipped lists the values of consenter/settings/kafka.yaml that networks otherwise shorten.
var shipped = []string{"TIMEOUTS_DIAL=5s", "TIMEOUTS_READ=10s", "RETRY_MAX=5s"}

// maxGap is the longest time without a block that one slow broker of three may cause.
const maxGap = 5 * time.Second

// slowness has the ways in which a broker is slow for orderers. Unless it is stopped, the other brokers are not affected.
var slowness = map[string]func(*world, context.Context, string) (repair func()){
	"stopped":               (*world).stopped,
	"silent":                (*world).silent,
	"unreachable":           (*world).unreachable,
	"late by 1s":            func(w *world, ctx context.Context, broker string) func() { return w.late(ctx, broker, time.Second) },
	"late by 3s":            func(w *world, ctx context.Context, broker string) func() { return w.late(ctx, broker, 3*time.Second) },
	"throttling appends":    func(w *world, ctx context.Context, _ string) func() { return w.throttled("producer_byte_rate", 10000) },
	"throttling everything": func(w *world, ctx context.Context, _ string) func() { return w.throttled("request_percentage", 1) },
}

// slowRow is a slow broker and the effect that is allowed.
type slowRow struct {
	role, is string
	watched  time.Duration // 35 s or more includes a check of the topic
	gap      time.Duration // the longest time without a block
	named    bool          // orderers wait for it and must name it
}

// minutes labels specs that take too long for make kafka; make test-kafka runs them.
var minutes = Label("minutes")

// label limits make kafka to the rows with a stopped broker.
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
		{"follower", "stopped", 15 * time.Second, maxGap, false},
		{"follower", "silent", 35 * time.Second, maxGap, true},
		{"follower", "unreachable", 15 * time.Second, maxGap, false},
		{"follower", "late by 3s", 15 * time.Second, maxGap, false},
		{"controller", "stopped", 15 * time.Second, maxGap, false},
		{"controller", "silent", 15 * time.Second, maxGap, false},
		{"leader", "stopped", 15 * time.Second, maxGap, false},
		{"leader", "late by 1s", 40 * time.Second, maxGap, false},
		// Five answers of the only broker that has the records, 3 s each, come on top of maxGap; it is named.
		{"leader", "late by 3s", 40 * time.Second, 5*3*time.Second + maxGap, true},
		{"leader", "throttling appends", 20 * time.Second, maxGap, true},
		// Kafka answers fetches without records while the quota is exceeded; the consenter cannot limit how long.
		{"leader", "throttling everything", 20 * time.Second, 20 * time.Second, true},
	} {
		It("does not hold up blocks: the "+row.role+", "+row.is, func(ctx SpecContext) {
			broker := w.brokerOf(ctx, row.role)
			before := w.waits(ctx, broker)
			running := w.trickle(ctx, row.watched)
			w.awaitBlock(ctx)
			repair := w.once(slowness[row.is](w, ctx, broker))
			gaps := w.gaps(ctx, row.watched-5*time.Second)
			w.reportSlow(ctx, row.role+" "+row.is, broker, before, gaps)
			repair()
			running.sound(ctx)
			for orderer, gap := range gaps {
				Expect(gap).To(BeNumerically("<", row.gap), "%s wrote no block", orderer)
			}
			if row.named {
				Expect(w.newWaits(ctx, broker, before)).NotTo(BeEmpty(), "no broker is named")
			}
		}, NodeTimeout(3*time.Minute), row.label())
	}

	for _, is := range []string{"silent", "unreachable"} {
		It("is named while it leads and no orderer reaches it, and is abandoned once another leads: "+is, func(ctx SpecContext) {
			broker := w.brokerOf(ctx, "leader")
			before := w.waits(ctx, broker)
			running := w.trickle(ctx, 20*time.Second)
			w.awaitBlock(ctx)
			repair := w.once(slowness[is](w, ctx, broker))
			began := time.Now()
			Eventually(ctx, func() map[string]float64 { return w.newWaits(ctx, broker, before) }).WithTimeout(maxGap).ShouldNot(BeEmpty(), "the broker is not named")
			named := time.Since(began)
			status, err := w.tool(ctx, "status")
			Expect(err).NotTo(HaveOccurred())
			Expect(status).To(ContainSubstring("for broker "), "the status must name the broker")
			w.reportSlow(ctx, "leader "+is, broker, before, nil)
			w.elect(ctx, broker)
			elected := time.Now()
			w.awaitBlock(ctx)
			AddReportEntry("leader "+is, fmt.Sprintf("named after %s, a block %s after another was elected", named.Round(time.Millisecond), time.Since(elected).Round(time.Millisecond)))
			Expect(time.Since(elected)).To(BeNumerically("<", maxGap))
			repair()
			running.sound(ctx)
		}, NodeTimeout(3*time.Minute), minutes)
	}
})

// once returns a repair that runs once: when the spec calls it, or after a spec that failed before. Then it waits
// until all brokers are in sync for the next spec.
func (w *world) once(repair func()) func() {
	f := sync.OnceFunc(repair)
	DeferCleanup(func(ctx SpecContext) {
		f()
		w.recovers(ctx)
	}, NodeTimeout(2*time.Minute))
	return f
}

// kafkaDefaults has Kafka's defaults for the timeouts that the network tool shortens.
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
			w.awaitBlock(ctx)
			repair := w.once(w.stopped(ctx, broker))
			began := time.Now()
			// An append waits at the leader for a follower: only probing each broker shows which one it is.
			Eventually(ctx, func() map[string]float64 { return w.newWaits(ctx, broker, before) }).WithTimeout(2*maxGap).ShouldNot(BeEmpty(), "the broker is not named")
			named := time.Since(began)
			Eventually(ctx, func() (string, error) { return w.tool(ctx, "status") }).Should(ContainSubstring("for broker "), "the status must name the broker")
			Eventually(ctx, func() bool { return w.excluded(broker) }).Should(BeTrue())
			excluded := time.Now()
			w.awaitBlock(ctx)
			took := time.Since(excluded)
			w.reportSlow(ctx, role+" stopped, Kafka's defaults", broker, before, nil)
			AddReportEntry(role+" stopped, Kafka's defaults", fmt.Sprintf("named after %s, excluded by Kafka after %s, a block %s later",
				named.Round(time.Millisecond), excluded.Sub(began).Round(time.Millisecond), took.Round(time.Millisecond)))
			Expect(took).To(BeNumerically("<", maxGap))
			repair()
			running.sound(ctx)
		}, NodeTimeout(4*time.Minute))
	}
})
