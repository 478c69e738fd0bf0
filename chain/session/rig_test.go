package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

const channelID = "mychannel"

// rig is a channel with a topic on memlog, whose host does what a test sets. It implements
// all interfaces of session.Host itself. A block holds two envelopes.
type rig struct {
	*testing.T
	broker   *memlog.Broker
	driver   *session.Driver
	settings session.Settings
	events   session.Events
	skipped  []string // reason @ offset
	blocks   []session.Block
	seq      machine.ConfigSeq
	kind     string // consensus type
	timeout  time.Duration

	now   time.Duration
	armed machine.BlockNumber
	phase status.Phase
	cause error

	meanwhile error // what clients were answered when a block was last asked for

	room      error
	survey    error
	append    error
	reader    func(log.Reader) log.Reader // replaces the readers of the topic; nil if nothing does
	otherLog  bool                        // the config names another log than the one that is open
	verdict   machine.Verdict
	reproduce error
	heights   []session.Answer
	unasked   error // why the other orderers cannot be asked
	pulled    map[machine.BlockNumber]session.Block
	pull      error
	first     *session.Block
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, broker: memlog.NewBroker(), kind: fabric.ConsensusTypeKafka, timeout: time.Minute, blocks: []session.Block{{Config: true}}}
	r.events.Skipped = func(at machine.Offset, reason machine.Reason, _ string) {
		r.skipped = append(r.skipped, fmt.Sprintf("%s@%d", reason, at))
	}
	r.restart()
	return r
}

// restart creates the driver for the ledger as it is.
func (r *rig) restart() {
	r.Helper()
	last := r.blocks[len(r.blocks)-1]
	position, err := session.Position(uint64(len(r.blocks)), last.Metadata)
	if err != nil {
		r.Fatal(err)
	}
	c := r.Config()
	r.driver = session.New(session.Host{Ledger: r, Topic: r, Validator: r, Peers: r, Clock: r, Status: r}, machine.Start{
		Channel: channelID, GenesisHash: []byte("genesis"), Next: machine.BlockNumber(len(r.blocks)), Metadata: position,
		Seq: c.Seq, Limits: c.Limits, Resubmission: c.Resubmission,
	}, r.settings, r.events)
	r.Cleanup(r.driver.Close)
}

// read connects and reads to the end of the topic, or to what ends the session.
func (r *rig) read() (session.Outcome, error) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	if err := r.driver.Connect(ctx); err != nil {
		return session.Continue, err
	}
	return r.advance(ctx)
}

func (r *rig) advance(ctx context.Context) (session.Outcome, error) {
	for {
		outcome, err := r.driver.Advance(ctx, ctx)
		if err != nil || outcome != session.Continue || int(r.driver.NextOffset()) >= r.broker.Len(channelID) {
			return outcome, err
		}
	}
}

// over returns a context that has ended.
func (r *rig) over() context.Context {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	return ctx
}

// reads fails the test if the topic cannot be read to its end.
func (r *rig) reads() {
	r.Helper()
	if outcome, err := r.read(); err != nil || outcome != session.Continue {
		r.Fatalf("outcome %d, error %v", outcome, err)
	}
}

// orders appends envelopes to the topic, as if clients had sent them.
func (r *rig) orders(texts ...string) {
	r.Helper()
	for _, text := range texts {
		value, _ := record.OfEnvelope(chaintest.Envelope(channelID, text), uint64(r.seq), machine.Normal)
		r.broker.Write(channelID, value)
	}
}

// configures appends a config envelope that was validated at a config sequence.
func (r *rig) configures(key string, seq uint64) {
	r.Helper()
	value, _ := record.OfEnvelope(chaintest.ConfigEnvelope(channelID, key, 0, seq+1), seq, machine.Config)
	r.broker.Write(channelID, value)
}

// ends reads, and checks what the error that ends the session says and what follows it.
func (r *rig) ends(want session.Outcome, says ...string) {
	r.Helper()
	outcome, err := r.read()
	r.followed(outcome, err, want, says...)
}

func (r *rig) followed(outcome session.Outcome, err error, want session.Outcome, says ...string) {
	r.Helper()
	if err != nil {
		outcome = r.driver.After(err)
	}
	if outcome != want {
		r.Fatalf("outcome %d, want %d: %v", outcome, want, err)
	}
	for _, text := range says {
		if err == nil || !strings.Contains(err.Error(), text) {
			r.Errorf("got %v, want it to say %q", err, text)
		}
	}
}

// holds checks the ledger: the texts of each block's envelopes.
func (r *rig) holds(want string) {
	r.Helper()
	var all []string
	for _, b := range r.blocks[1:] {
		var texts []string
		for _, e := range b.Envelopes {
			text := "config"
			if !b.Config {
				text = chaintest.Text(e)
			}
			texts = append(texts, text)
		}
		all = append(all, strings.Join(texts, " "))
	}
	if got := strings.Join(all, "; "); got != want {
		r.Errorf("the ledger holds %q, want %q", got, want)
	}
}

// Config returns a config by which a block holds two envelopes.
func (r *rig) Config() session.Config {
	return session.Config{Seq: r.seq, ConsensusType: r.kind, ThroughKafka: r.kind == fabric.ConsensusTypeKafka, Resubmission: true, MissingTimeout: r.timeout,
		Limits: machine.Limits{MaxMessageCount: 2, AbsoluteMaxBytes: 1 << 20, PreferredMaxBytes: 1 << 19}}
}

func (r *rig) Block(n machine.BlockNumber) *session.Block {
	if int(n) >= len(r.blocks) {
		return nil
	}
	return &r.blocks[n]
}

func (r *rig) Room(int) error { return r.room }

func (r *rig) Write(b session.Block) error {
	r.blocks = append(r.blocks, b)
	return nil
}

func (r *rig) WriteConfig(b session.Block) error {
	r.seq++
	return r.Write(b)
}

func (r *rig) Open() (log.Log, error) {
	topic := r.broker.Open(channelID, log.Settings{})
	if r.reader != nil {
		return readThrough{topic, r.reader}, nil
	}
	return topic, nil
}

// readThrough is a log whose readers are replaced.
type readThrough struct {
	log.Log
	reader func(log.Reader) log.Reader
}

func (l readThrough) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := l.Log.Read(ctx, from)
	if err != nil {
		return nil, err
	}
	return l.reader(r), nil
}

func (r *rig) Current() (bool, error) { return !r.otherLog, nil }

func (r *rig) Survey(context.Context, log.Log) error { return r.survey }

func (r *rig) Append(ctx context.Context, value []byte) error {
	if r.append != nil {
		return r.append
	}
	return r.broker.Open(channelID, log.Settings{}).Append(ctx, value)
}

func (r *rig) Judge(machine.Judge) machine.Verdict { return r.verdict }

func (r *rig) Process(_ machine.Class, envelope []byte) ([]byte, machine.ConfigSeq, error) {
	return envelope, r.seq, r.reproduce
}

// Reproduce computes the same update at the config in force.
func (r *rig) Reproduce(envelope []byte) ([]byte, machine.ConfigSeq, error) {
	u, ok := chaintest.UpdateOf(protoutil.UnmarshalEnvelopeOrPanic(envelope))
	if !ok {
		return nil, r.seq, errors.New("no update")
	}
	again := chaintest.ConfigEnvelope(channelID, u.Key, u.Version, uint64(r.seq)+1)
	return protoutil.MarshalOrPanic(again), r.seq, r.reproduce
}

func (r *rig) Pull(_ context.Context, n machine.BlockNumber) (session.Block, error) {
	r.meanwhile = r.cause
	if b, ok := r.pulled[n]; ok {
		return b, nil
	}
	return session.Block{}, r.pull
}

func (r *rig) Heights(context.Context) ([]session.Answer, error) { return r.heights, r.unasked }

func (r *rig) First(context.Context) (*session.Block, error) { return r.first, nil }

func (r *rig) Uptime() time.Duration { return r.now }

func (r *rig) Arm(n machine.BlockNumber) { r.armed = n }

func (r *rig) Disarm() { r.armed = 0 }

func (r *rig) Moved(to status.Phase, cause error) { r.phase, r.cause = to, cause }

func (r *rig) RulesKnown() {}

func (r *rig) CaughtUp() {}
