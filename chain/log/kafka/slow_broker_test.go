package kafka_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/conn"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
)

// soon is the documented limit of 5 s plus an allowance for a loaded machine.
const soon = 8 * time.Second

// sluggish is a cluster of three brokers behind lanes, with clients at the default timeouts.
type sluggish struct {
	kafkatest.Harness
	lanes *lanes

	mu     sync.Mutex
	waited map[string]time.Duration // by broker and operation, as reported
}

const leader, others = 0, 2

func startSluggish(t *testing.T) *sluggish {
	h := &sluggish{Harness: kafkatest.NewHarness(t, 3), lanes: newLanes(), waited: map[string]time.Duration{}}
	h.lanes.end(t, h.Addresses())
	h.Create("topic", 1, nil)
	h.Move("topic", leader)
	return h
}

func (h *sluggish) open(t *testing.T) *kafka.Log {
	return h.openWithTimeout(t, kafka.DefaultReadTimeout)
}

// openWithTimeout opens a log with a read timeout.
func (h *sluggish) openWithTimeout(t *testing.T, timeout time.Duration) *kafka.Log {
	l, err := kafka.Open(kafka.WithDial(kafka.Config{Brokers: h.Addresses(), MaxDecompressedBytes: kafkatest.MaxDecompressedBytes, ReadTimeout: timeout, Waiting: h.wait, Pools: h.Pools}, h.lanes.dial), "topic")
	kafkatest.Must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (h *sluggish) wait(w conn.Wait) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waited[w.Broker+" "+w.Operation] += w.Longer
}

// named reports whether a broker was reported as not answering.
func (h *sluggish) named(broker string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w, d := range h.waited {
		if strings.HasPrefix(w, broker+" ") && d >= 2*time.Second {
			return true
		}
	}
	return false
}

// within runs f, which must end soon.
func within(t *testing.T, what string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	began := time.Now()
	if err := f(ctx); err != nil {
		t.Errorf("%s: after %s: %v", what, time.Since(began).Round(time.Millisecond), err)
	}
}

// A broker other than the leader has a fault from the start. A channel connects, appends and reads
// within the limit.
func TestOneBrokerIsSlow(t *testing.T) {
	t.Parallel()
	for f := hung; f <= nameless; f++ {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			h := startSluggish(t)
			h.lanes.set(h.Addresses()[others], f)
			for n := range 2 {
				l := h.open(t)
				h.session(t, l, fmt.Sprint(n))
				kafkatest.Must(t, l.Close())
			}
		})
	}
}

// session does what a channel does when it starts.
func (h *sluggish) session(t *testing.T, l log.Log, value string) {
	var bounds log.Bounds
	within(t, "connect, append and read", func(ctx context.Context) (err error) {
		if _, err = l.Identity(ctx); err != nil {
			return err
		}
		if bounds, err = l.Bounds(ctx); err != nil {
			return err
		}
		r, err := l.Read(ctx, bounds.End)
		if err != nil {
			return err
		}
		defer r.Close()
		if err := l.Append(ctx, []byte(value)); err != nil {
			return err
		}
		got, err := r.Next(ctx)
		if err == nil && string(got.Value) != value {
			err = fmt.Errorf("read %q, want %q", got.Value, value)
		}
		return err
	})
}

// The leader stops answering, and the cluster elects another: the old leader is reported, and
// abandoned within the limit.
func TestTheLeaderIsSlow(t *testing.T) {
	t.Parallel()
	for f := hung; f <= nameless; f++ {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			h := startSluggish(t)
			l := h.open(t)
			h.session(t, l, "before")
			old := h.Addresses()[leader]
			h.lanes.set(old, f)
			appended := make(chan error, 1)
			go func() { appended <- l.Append(t.Context(), []byte("after")) }()
			if f == hung || f == late {
				kafkatest.Eventually(t, "the broker is reported", func() bool { return h.named(old) })
			}
			h.Move("topic", 1)
			within(t, "the append", func(ctx context.Context) error {
				select {
				case err := <-appended:
					return err
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			h.session(t, l, "again")
		})
	}
}

// A reader that waits for a leader that hangs finds the next leader.
func TestAReaderLeavesALeaderThatHangs(t *testing.T) {
	t.Parallel()
	h := startSluggish(t)
	l := h.open(t)
	kafkatest.Append(t, l, "before")
	r := kafkatest.Read(t, l, 0)
	if got, err := kafkatest.Next(t, r); err != nil || got != "before" {
		t.Fatal(got, err)
	}
	h.lanes.set(h.Addresses()[leader], hung)
	h.Move("topic", 1)
	within(t, "the reader", func(ctx context.Context) error {
		for {
			if _, err := r.Next(ctx); err == nil || strings.Contains(err.Error(), log.ErrNewLeader.Error()) || ctx.Err() != nil {
				return ctx.Err()
			}
		}
	})
}

// A leader hangs and no other is elected: the error of a call names the broker and the request.
func TestASlowLeaderIsNamed(t *testing.T) {
	t.Parallel()
	h := startSluggish(t)
	l := h.open(t)
	h.session(t, l, "before")
	h.lanes.set(h.Addresses()[leader], hung)
	var both sync.WaitGroup
	defer both.Wait()
	for what, do := range map[string]func(context.Context) error{
		"Produce":     func(ctx context.Context) error { return l.Append(ctx, []byte("x")) },
		"ApiVersions": func(ctx context.Context) error { _, err := l.Bounds(ctx); return err },
	} {
		both.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			err := do(ctx)
			if err == nil || !strings.Contains(err.Error(), "broker "+h.Addresses()[leader]+" has not answered "+what) {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
}

// The slow broker may be the coordinator of groups, or the controller: publishing does not delay
// reading and appending.
func TestASlowCoordinatorDelaysNoRecords(t *testing.T) {
	t.Parallel()
	h := startSluggish(t)
	l := h.open(t)
	h.lanes.set(h.Addresses()[1], hung)
	h.lanes.set(h.Addresses()[2], late)
	ctx, cancel := context.WithCancel(t.Context())
	published := make(chan struct{})
	go func() {
		defer close(published)
		for ctx.Err() == nil {
			_ = l.Publish(ctx, log.Progress{Member: "orderer", Next: 1, At: time.Now()})
			_, _ = l.Survey(ctx)
		}
	}()
	for n := range 3 {
		h.session(t, l, fmt.Sprint(n))
	}
	cancel()
	<-published
}

// A broker that hangs hides the progress of the groups that it coordinates, and of no others. The embedded
// broker spreads the groups over the brokers.
func TestASlowCoordinatorHidesItsOwnGroups(t *testing.T) {
	t.Parallel()
	h := startSluggish(t)
	l := h.openWithTimeout(t, time.Second)
	var names []string
	for n := range 6 {
		name := fmt.Sprint("orderer.", n)
		names = append(names, name)
		kafkatest.Must(t, l.Publish(t.Context(), log.Progress{Member: name, Next: 1, At: time.Now()}))
	}
	h.lanes.set(h.Addresses()[others], hung)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	all, err := l.Published(ctx, "orderer.")
	if err == nil || !strings.Contains(err.Error(), h.Addresses()[others]) {
		t.Errorf("got %v, want the broker that hangs to be named", err)
	}
	if len(all) == 0 || len(all) == len(names) {
		t.Errorf("got %d of %d groups", len(all), len(names))
	}
}

// Any broker returns the settings of a topic, which a channel needs to start: a controller that hangs or is
// late does not hide them.
func TestASurveyWithASlowController(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{hung, hole, late} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			h := startSluggish(t)
			h.Admin(t, func(a sarama.ClusterAdmin) error {
				controller, err := a.Controller()
				if err == nil {
					h.Move("topic", (controller.ID()+1)%3)
					h.lanes.set(controller.Addr(), f)
				}
				return err
			})
			l := h.open(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			began := time.Now()
			found, err := l.Survey(ctx)
			if err != nil || len(found) == 0 {
				t.Errorf("after %s: %v, %v", time.Since(began), found, err)
			}
		})
	}
}

// A controller that answers late creates the topic nevertheless.
func TestALateControllerCreatesTheTopic(t *testing.T) {
	t.Parallel()
	h := startSluggish(t)
	h.Delete("topic")
	h.Admin(t, func(a sarama.ClusterAdmin) error {
		controller, err := a.Controller()
		if err == nil {
			h.lanes.set(controller.Addr(), late)
		}
		return err
	})
	kafkatest.Must(t, h.open(t).Create(t.Context()))
	if !h.Info("topic").Exists {
		t.Error("there is no topic")
	}
}

// A quota keeps the client from sending requests: that is reported like a wait for an answer.
func TestAThrottlingLeaderIsNamed(t *testing.T) {
	t.Parallel()
	const throttle = 3 * time.Second
	h := startSluggish(t)
	l := h.open(t)
	h.Cluster.Script("topic", kafkatest.Answer{Append: true, Throttle: throttle}, kafkatest.Answer{Append: true})
	kafkatest.Append(t, l, "within the quota")
	kafkatest.Append(t, l, "after the throttle")
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := h.waited[h.Addresses()[leader]+" Produce"]; got != throttle {
		t.Errorf("reported %s, want %s: %v", got, throttle, h.waited)
	}
}

// An append waits for a replica that hangs, which the leader does not report: it is named nevertheless.
func TestASlowReplicaIsNamed(t *testing.T) {
	t.Parallel()
	h := startSluggish(t)
	l := h.open(t)
	h.session(t, l, "before")
	h.lanes.set(h.Addresses()[leader], hung) // an answer that has not arrived yet
	h.lanes.set(h.Addresses()[others], hung)
	ctx, cancel := context.WithCancel(t.Context())
	appended := make(chan error, 1)
	go func() { appended <- l.Append(ctx, []byte("x")) }()
	kafkatest.Eventually(t, "the replica is reported", func() bool { return h.named(h.Addresses()[others]) })
	cancel()
	if err := <-appended; err == nil {
		t.Error("acknowledged without the replica")
	}
}
