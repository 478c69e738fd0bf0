package matrix

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/orderer/common/types"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// crowd is a topic that a foreign writer writes to, and an orderer that reads it from the
// start. Another one reads it at the end: see [crowd.agree].
type crowd struct {
	*world
	live *orderer
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	w := newWorld(t, kafkatest.Options{})
	c := &crowd{w, w.orderer(w.configured()).ready()}
	c.live.order("a", "b", "c", "d")
	c.live.holds(initial)
	return c
}

// seq is the config sequence of a crowd's channel: lower ones are stale.
const seq = 5

// configured returns a ledger whose channel has the config sequence [seq].
func (w *world) configured() *chaintest.Ledger {
	s := w.settings()
	s.Seq = seq
	return chaintest.NewLedger(channel, s)
}

// agree waits until an orderer that starts now has the same blocks as the first, and
// checks that both still order.
func (c *crowd) agree() {
	c.Helper()
	late := c.orderer(c.configured()).ready()
	c.live.accepts("y")
	late.accepts("z")
	c.eventually("both have the same blocks", func() bool { return chaintest.Differ(c.live.ledger, late.ledger) == nil })
	for _, o := range []*orderer{c.live, late} {
		o.is(types.StatusActive)
	}
}

func (c *crowd) record(m *record.Message) []byte {
	c.Helper()
	b, err := record.Encode(m)
	if err != nil {
		c.Fatal(err)
	}
	return b
}

func (c *crowd) regular(e *fabric.Envelope, seq uint64, class record.Regular_Class, original int64) []byte {
	c.Helper()
	payload, err := fabric.Marshal(e)
	if err != nil {
		c.Fatal(err)
	}
	m := record.NewRegular(payload, seq, class)
	m.GetRegular().OriginalOffset = original
	return c.record(m)
}

// Whatever bytes a record has, all orderers handle it equally and continue.
func TestRow35Garbage(t *testing.T) {
	c := newCrowd(t)
	normal := record.Regular_NORMAL
	noHeader := &fabric.Envelope{Payload: []byte("no payload"), Signature: []byte("s")}
	unknown := protowire.AppendBytes(protowire.AppendTag(nil, 1234, protowire.BytesType), []byte("from the future"))
	values := [][]byte{
		nil,
		{},
		{0},
		[]byte(strings.Repeat("\xff", 100)),
		[]byte("{\"json\": true}"),
		protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), math.MaxUint64),
		append(protowire.AppendTag(nil, 1, protowire.BytesType), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), // a length of 2^63-1
		c.record(&record.Message{}),
		c.record(record.NewConnect([]byte{0xff})),
		c.regular(&fabric.Envelope{}, 0, normal, 0),
		c.regular(noHeader, 0, normal, 0),
		c.regular(chaintest.Envelope("other", "wrong-channel"), 0, normal, 0),
		c.regular(chaintest.Envelope(channel, "class"), 0, 77, 0),
		c.regular(chaintest.Envelope(channel, "original"), 0, normal, math.MaxInt64),
		append(c.value(channel, "unknown"), unknown...),
		make([]byte, 900<<10),
	}
	client := c.client()
	defer client.Close()
	for i, v := range values {
		r := &kgo.Record{Topic: channel, Value: v, Key: []byte("any"), Headers: []kgo.RecordHeader{{Key: "h", Value: v[:min(len(v), 9)]}}}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatalf("value %d: %v", i, err)
		}
	}
	c.agree()
	for _, text := range []string{"wrong-channel", "class"} {
		if c.live.count(text) != 0 {
			t.Errorf("%q is ordered", text)
		}
	}
	for _, text := range []string{"original", "unknown"} { // valid, with fields that are ignored
		if c.live.count(text) != 1 {
			t.Errorf("%q is ordered %d times", text, c.live.count(text))
		}
	}
}

// Records carry no signature: a copy is ordered like any envelope, and peers reject it.
func TestRow38Replay(t *testing.T) {
	c := newCrowd(t)
	c.write(channel, c.value(channel, "a"), c.value(channel, "a"))
	c.agree()
	if n := c.live.count("a"); n != 3 {
		t.Errorf("ordered %d times, want 3: %s", n, c.live.ledger.Contents())
	}
}

// Forged fields of a record do not change how its envelope is treated.
func TestRow39Forged(t *testing.T) {
	c := newCrowd(t)
	normal, config, none := record.Regular_NORMAL, record.Regular_CONFIG, record.Regular_UNKNOWN
	update := chaintest.ConfigEnvelope(channel, "count", 0, seq+1)
	stale := chaintest.ConfigEnvelope(channel, "count", 7, seq+1)
	notNow := chaintest.Envelope(channel, fmt.Sprint("not at ", seq))
	c.write(channel,
		c.regular(notNow, math.MaxUint64, normal, 0),
		c.regular(notNow, 0, normal, 0),
		c.regular(notNow, seq+1, normal, 0),
		c.regular(chaintest.Envelope(channel, "past"), 0, normal, 0),
		c.regular(chaintest.Envelope(channel, "future"), math.MaxUint64, normal, 0),
		c.regular(chaintest.Envelope(channel, "classless"), 0, none, 0),
		c.regular(chaintest.Envelope(channel, "as-config"), 0, config, 0),
		c.regular(update, 0, normal, 0),
		c.regular(update, 0, none, 0),
		c.regular(stale, 0, config, 0),
		c.regular(stale, seq, config, 0),
		c.regular(stale, math.MaxUint64, config, 0),
		c.regular(chaintest.EnvelopeOf(channel, fabric.TypeConfigUpdate, nil), 0, config, 0),
		c.regular(chaintest.EnvelopeOf(channel, fabric.TypeOrdererTransaction, nil), 0, normal, 0),
		c.regular(chaintest.EnvelopeOf(channel, fabric.TypeConfig, []byte{0xff}), 0, config, 0),
		c.regular(chaintest.Envelope(channel, "copy"), seq, normal, 3),
		c.regular(chaintest.Envelope(channel, "copy-of-future"), 0, normal, math.MaxInt64),
		c.regular(chaintest.Envelope(channel, "copy-of-past"), 0, normal, math.MinInt64),
	)
	c.agree()
	if c.live.ledger.Sequence() != seq {
		t.Error("a forged config is in force")
	}
	got := strings.Join(c.live.texts(), " ")
	if want := "a b c d past future copy copy-of-future copy-of-past y z"; got != want {
		t.Errorf("ordered are %s, want %s", got, want)
	}
}

// A time-to-cut for the next block cuts the pending envelopes, and any other is ignored.
func TestRow40TimeToCut(t *testing.T) {
	c := newCrowd(t)
	cut := func(n uint64) []byte { return c.record(record.NewTimeToCut(n)) }
	c.write(channel, cut(0), cut(1), cut(3), cut(4), cut(math.MaxUint64)) // 3 would be next; nothing is pending
	c.write(channel, c.value(channel, "pending"), cut(0), cut(2), cut(4), cut(math.MaxUint64), cut(3))
	c.eventually("the pending envelope is cut", func() bool { return c.live.count("pending") == 1 })
	if want := initial + "; pending @15"; c.live.ledger.Contents() != want {
		t.Errorf("the ledger holds %s, want %s", c.live.ledger.Contents(), want)
	}
	var flood [][]byte
	for i := range 200 {
		flood = append(flood, c.value(channel, fmt.Sprint("n", i)), cut(uint64(4+i)))
	}
	c.write(channel, flood...)
	c.agree()
	for i := range 200 {
		if n := c.live.count(fmt.Sprint("n", i)); n != 1 {
			t.Errorf("n%d is ordered %d times", i, n)
		}
	}
}

// Connect records order nothing and take no memory.
func TestRow41ConnectFlood(t *testing.T) {
	c := newCrowd(t)
	description, err := session.DescriptionRecord(machine.Start{Channel: "forged"}, machine.Compatible, log.Identity{TopicID: "forged"})
	if err != nil {
		t.Fatal(err)
	}
	empty := c.record(record.NewConnect(nil))
	const n = 20000
	before := heap()
	client := c.client()
	defer client.Close()
	for i := range n {
		v := empty
		if i%100 == 0 {
			v = description
		}
		client.Produce(t.Context(), &kgo.Record{Topic: channel, Value: v}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.live.accepts("x")
	if got := c.live.ledger.Contents(); !strings.HasPrefix(got, initial+"; x @") {
		t.Errorf("the ledger holds %s", got)
	}
	c.live.seen.forget() // the test's own memory
	if grown := int64(heap()) - int64(before); grown > 32<<20 {
		t.Errorf("memory has grown by %d bytes", grown)
	}
	c.agree()
}

// heap returns the heap size of the process, with all tests that run now.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
