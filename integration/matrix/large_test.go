package matrix

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// maxBytes is the AbsoluteMaxBytes of these channels.
const maxBytes = 64 << 10

// sized returns an envelope of this size, as the channel counts bytes, and its text.
func sized(name string, bytes int) (string, *fabric.Envelope) {
	text := name
	for {
		e := chaintest.Envelope(channel, text)
		missing := bytes - len(e.Payload) - len(e.Signature)
		if missing == 0 {
			return text, e
		}
		if missing < 0 {
			text = text[:len(text)+missing]
			continue
		}
		text += strings.Repeat("x", missing)
	}
}

func (w *world) narrow() *orderer {
	s := w.settings()
	s.MaxBytes, s.Preferred = maxBytes, maxBytes
	return w.orderer(chaintest.NewLedger(channel, s)).ready()
}

func TestRow33TooLarge(t *testing.T) {
	w := newWorld(t, kafkatest.Options{})
	o := w.narrow()
	_, huge := sized("huge", 2*maxBytes)
	w.fails("order", o.Order(huge, 0), log.ErrTooLarge, "does not accept the envelope", fmt.Sprint(2 * maxBytes)[:3], fmt.Sprintf("sends up to %d", maxBytes+(1<<10)))
	over, above := sized("over", maxBytes+1)
	if err := o.Order(above, 0); err != nil { // Broadcast would refuse it
		t.Fatal(err)
	}
	exact, fits := sized("exact", maxBytes)
	if err := o.Order(fits, 0); err != nil {
		t.Fatal(err)
	}
	w.eventually("the largest is ordered", func() bool { return o.count(exact) == 1 })
	if o.count(over) != 0 || !o.skipped(machine.ReasonSize) {
		t.Error("the envelope above the limit is ordered")
	}

	var together sync.WaitGroup
	errs := make([]error, 20) // together they are larger than the topic's limit
	for i := range errs {
		_, e := sized(fmt.Sprint("n", i), maxBytes)
		together.Go(func() { errs[i] = o.Order(e, 0) })
	}
	together.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	w.eventually("all are ordered", func() bool { return len(o.texts()) == 1+len(errs) })
}

func (o *orderer) skipped(reason machine.Reason) bool {
	for _, s := range o.seen.now().skipped {
		if s.reason == reason {
			return true
		}
	}
	return false
}

// setting changes a setting of a topic.
func (w *world) setting(topic, name, value string) {
	w.Helper()
	s := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	s.Name, s.Value = name, &value
	t := kmsg.NewIncrementalAlterConfigsRequestResource()
	t.ResourceType, t.ResourceName, t.Configs = kmsg.ConfigResourceTypeTopic, topic, append(t.Configs, s)
	r := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r.Resources = append(r.Resources, t)
	c := w.client()
	defer c.Close()
	answer, err := r.RequestWith(w.Context(), c)
	if err != nil || len(answer.Resources) != 1 || answer.Resources[0].ErrorCode != 0 {
		w.Fatalf("set %s: %+v, %v", name, answer, err)
	}
}

// An operator lowers the topic's limit below the channel's: larger envelopes are
// refused with the reason, and others are ordered, also many at once.
func TestRow34TopicLimitLowered(t *testing.T) {
	const limit = 16 << 10
	w := newWorld(t, kafkatest.Options{})
	o := w.narrow()
	l := o.load("small", 4).sent(20)
	w.setting(channel, "max.message.bytes", fmt.Sprint(limit))
	_, large := sized("large", 2*limit)
	err := o.Order(large, 0)
	w.fails("order", err, log.ErrTooLarge, "does not accept the envelope", fmt.Sprint(2 * limit)[:3], fmt.Sprintf("max.message.bytes is %d", limit))
	if errors.Is(err, status.ErrNotReady) {
		t.Errorf("the client is asked to retry: %v", err)
	}
	l.sent(20).sound(o)

	var together sync.WaitGroup
	errs := make([]error, 40)
	for i := range errs {
		_, e := sized(fmt.Sprint("n", i), limit/8)
		together.Go(func() { errs[i] = o.Order(e, 0) })
	}
	together.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Errorf("envelopes of %d bytes in a topic with a limit of %d: %v", limit/8, limit, err)
	}
}
