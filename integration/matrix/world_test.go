package matrix

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/orderer/common/types"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/kafka"
	"github.com/fabric-kafka/orderer/chain/log/kafka/kafkatest"
	"github.com/fabric-kafka/orderer/chain/session"
)

const (
	channel = "mychannel"
	another = "another"

	maxUnpacked = 4 << 20 // decompressed bytes of a batch; the first Open sets it for the process
	timeout     = time.Minute
)

// world is a cluster and the orderers that use it.
type world struct {
	*testing.T
	cluster *kafkatest.Cluster
	access  func(*kafka.Config) // the credentials of orderers; nil: none
}

func newWorld(t *testing.T, o kafkatest.Options) *world {
	t.Helper()
	t.Parallel()
	return &world{T: t, cluster: kafkatest.Start(t, o)}
}

// eventually waits for a condition.
func (w *world) eventually(what string, holds func() bool) {
	w.Helper()
	w.within(timeout, what, holds)
}

// within is eventually with another timeout.
func (w *world) within(limit time.Duration, what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// settings returns the settings of every channel: two envelopes make a block.
func (w *world) settings() chaintest.Settings {
	return chaintest.Settings{Brokers: w.cluster.Addresses(), Count: 2, Timeout: 300 * time.Millisecond}
}

// ledger returns a ledger with only the genesis block.
func (w *world) ledger(channel string) *chaintest.Ledger {
	return chaintest.NewLedger(channel, w.settings())
}

// orderer is one channel on one orderer.
type orderer struct {
	*chain.Chain
	w      *world
	ledger *chaintest.Ledger
	seen   *seen
}

// orderer starts the chain of a ledger and halts it at the end of the test.
func (w *world) orderer(l *chaintest.Ledger, tweaks ...func(*chain.Options)) *orderer {
	w.Helper()
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		w.Fatal(err)
	}
	o := &orderer{w: w, ledger: l, seen: &seen{}}
	opts := chain.Options{
		OpenLog:       w.open,
		Crypto:        crypto,
		Events:        o.seen.events(),
		RetryMin:      20 * time.Millisecond,
		RetryMax:      200 * time.Millisecond,
		AppendTimeout: 2 * time.Second,
		ReadyTimeout:  time.Second,
		DeliverGrace:  time.Second,
		CheckInterval: time.Second,
	}
	for _, tweak := range tweaks {
		tweak(&opts)
	}
	o.Chain = chain.New(l, l.Metadata(), opts)
	w.Cleanup(o.Halt)
	o.Start()
	return o
}

// open opens a topic as the consenter does for a chain.
func (w *world) open(brokers []string, topic string, maxEnvelope uint32) (log.Log, error) {
	c := kafka.Config{
		Brokers:              brokers,
		DialTimeout:          500 * time.Millisecond,
		ReadTimeout:          time.Second,
		WriteTimeout:         time.Second,
		RetryBackoff:         20 * time.Millisecond,
		MaxDecompressedBytes: maxUnpacked,
		Settings:             log.Settings{ReplicationFactor: 1, MaxMessageBytes: int(maxEnvelope) + 1<<10},
	}
	if w.access != nil {
		w.access(&c)
	}
	return kafka.Open(c, topic)
}

// ready waits until the chain accepts envelopes.
func (o *orderer) ready() *orderer {
	o.w.Helper()
	o.w.eventually(o.ledger.ChannelID()+" is ready", func() bool { return o.WaitReady() == nil })
	return o
}

func (o *orderer) submit(text string) error {
	return o.Order(chaintest.Envelope(o.ledger.ChannelID(), text), o.ledger.Sequence())
}

// order submits envelopes, each of which must be acknowledged at the first attempt.
func (o *orderer) order(texts ...string) {
	o.w.Helper()
	for _, text := range texts {
		if err := o.submit(text); err != nil {
			o.w.Fatalf("order %q: %v", text, err)
		}
	}
}

// holds waits until the ledger has exactly these contents.
func (o *orderer) holds(want string) {
	o.w.Helper()
	defer o.explain()
	o.w.eventually(fmt.Sprintf("the ledger holds %q", want), func() bool {
		got := o.ledger.Contents()
		if len(got) > len(want) || got == want {
			return true
		}
		return false
	})
	if got := o.ledger.Contents(); got != want {
		o.w.Fatalf("the ledger holds\n%s, want\n%s", got, want)
	}
}

// explain logs the state of the orderer and its events, if the test has failed.
func (o *orderer) explain() {
	if !o.w.Failed() {
		return
	}
	_, is := o.StatusReport()
	s := o.seen.now()
	o.w.Logf("%s is %s; holds %s; cut off %v; recovered %d times; cuts posted %d, failed %d; stopped %v; ready: %v",
		o.ledger.ChannelID(), is, o.ledger.Contents(), s.unavailable, s.recovered, s.cutPosted, s.cutFailed, s.failed, o.WaitReady())
	o.w.Log(string(stacks()))
}

// stacks returns the stacks of all goroutines.
func stacks() []byte {
	buffer := make([]byte, 8<<20)
	return buffer[:runtime.Stack(buffer, true)]
}

// texts returns the texts of all envelopes of the ledger, in order.
func (o *orderer) texts() []string {
	var all []string
	for _, word := range strings.Fields(strings.ReplaceAll(o.ledger.Contents(), ";", "")) {
		if !strings.HasPrefix(word, "@") {
			all = append(all, word)
		}
	}
	return all
}

// accepts submits an envelope, as often as necessary, until it is in the ledger: the channel works.
func (o *orderer) accepts(text string) {
	o.w.Helper()
	o.w.eventually(fmt.Sprintf("%s accepts %q", o.ledger.ChannelID(), text), func() bool { return o.submit(text) == nil })
	o.w.eventually(fmt.Sprintf("%s has a block with %q", o.ledger.ChannelID(), text), func() bool {
		return o.count(text) > 0
	})
}

func (o *orderer) count(text string) (n int) {
	for _, t := range o.texts() {
		if t == text {
			n++
		}
	}
	return n
}

func (o *orderer) status() types.Status {
	_, status := o.StatusReport()
	return status
}

func (o *orderer) is(want types.Status) {
	o.w.Helper()
	o.w.eventually(fmt.Sprintf("%s is %s", o.ledger.ChannelID(), want), func() bool { return o.status() == want })
}

// refuses checks that WaitReady and Order fail with this error and these texts.
func (o *orderer) refuses(want error, texts ...string) {
	o.w.Helper()
	for what, err := range map[string]error{"ready": o.WaitReady(), "order": o.submit("refused")} {
		o.w.fails(what, err, want, texts...)
	}
}

func (w *world) fails(what string, err, want error, texts ...string) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s: %v, want %v", what, err, want)
		return
	}
	for _, s := range texts {
		if !strings.Contains(err.Error(), s) {
			w.Errorf("%s: %v\nwant it to contain %q", what, err, s)
		}
	}
}

// restarted halts the orderer, calls meanwhile, and starts another one on the ledger.
func (o *orderer) restarted(meanwhile func(), tweaks ...func(*chain.Options)) *orderer {
	o.w.Helper()
	o.Halt()
	if meanwhile != nil {
		meanwhile()
	}
	return o.w.orderer(o.ledger, tweaks...)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// moved sets the ID of the topic that an operator has confirmed as the channel's.
func moved(id string) func(*chain.Options) {
	return func(o *chain.Options) { o.Settings = session.Settings{MovedTo: id} }
}
