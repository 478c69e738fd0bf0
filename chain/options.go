package chain

import (
	"reflect"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// OpenLog opens the log of a channel; it does no network I/O. The broker list
// is the channel config's; maxEnvelope is the channel's AbsoluteMaxBytes, which
// counts payload and signature of an envelope.
type OpenLog func(brokers []string, topic string, maxEnvelope uint32) (log.Log, error)

// Options are what a chain needs beside Fabric's support. A duration or number
// of zero means its default.
type Options struct {
	OpenLog OpenLog               // required
	Crypto  fabric.CryptoProvider // required
	Events  Events

	RetryMin      time.Duration // first pause after a failure; default 100 ms, doubled up to RetryMax, with jitter
	RetryMax      time.Duration // default 5 s
	AppendTimeout time.Duration // how long Order and Configure wait for the acknowledgement; default 10 s
	ReadyTimeout  time.Duration // how long WaitReady waits for a chain that is starting or cut off; default 5 s
	DeliverGrace  time.Duration // how long a chain that is cut off goes on serving its blocks to every reader; default 30 s
	CutJitter     float64       // a time-to-cut is posted after BatchTimeout * (1 + [0, CutJitter)); negative for none; default 0.1
	Inflight      int           // appends in flight per channel before Order waits; default 4096
}

// Defaults of Options.
const (
	DefaultRetryMin      = 100 * time.Millisecond
	DefaultRetryMax      = 5 * time.Second
	DefaultAppendTimeout = 10 * time.Second
	DefaultReadyTimeout  = 5 * time.Second
	DefaultDeliverGrace  = 30 * time.Second
	DefaultCutJitter     = 0.1
	DefaultInflight      = 4096
)

func (o Options) withDefaults() Options {
	fill(&o.RetryMin, DefaultRetryMin)
	fill(&o.RetryMax, DefaultRetryMax)
	fill(&o.AppendTimeout, DefaultAppendTimeout)
	fill(&o.ReadyTimeout, DefaultReadyTimeout)
	fill(&o.DeliverGrace, DefaultDeliverGrace)
	fill(&o.CutJitter, DefaultCutJitter)
	fill(&o.Inflight, DefaultInflight)
	o.Events = o.Events.withDefaults()
	return o
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Events report what happens in a chain, for logs and metrics. Every field may
// be nil. They are called from the chain's goroutines and must not block.
type Events struct {
	Started     func(next log.Offset, height uint64) // reading began
	Described   func(at machine.Offset)              // the topic's description was accepted
	BlockCut    func(number machine.BlockNumber, envelopes int, cause machine.Cause, at machine.Offset)
	Position    func(next machine.Offset) // offset read next; after every record
	Skipped     func(at machine.Offset, reason machine.Reason, detail string)
	Reproduced  func(at machine.Offset)          // a lagging config envelope is in the log again
	CutPosted   func(number machine.BlockNumber) // a time-to-cut record was appended
	CutFailed   func(number machine.BlockNumber, err error)
	Appended    func(took time.Duration, err error)  // one Order or Configure
	Unavailable func(err error, retry time.Duration) // cut off from the log; tries again after retry
	Recovered   func(after time.Duration)            // reading again, or for the first time
	Failed      func(err error)                      // stopped for good
	Halted      func()
}

func (e Events) withDefaults() Events {
	set(&e.Started, func(log.Offset, uint64) {})
	set(&e.Described, func(machine.Offset) {})
	set(&e.BlockCut, func(machine.BlockNumber, int, machine.Cause, machine.Offset) {})
	set(&e.Position, func(machine.Offset) {})
	set(&e.Skipped, func(machine.Offset, machine.Reason, string) {})
	set(&e.Reproduced, func(machine.Offset) {})
	set(&e.CutPosted, func(machine.BlockNumber) {})
	set(&e.CutFailed, func(machine.BlockNumber, error) {})
	set(&e.Appended, func(time.Duration, error) {})
	set(&e.Unavailable, func(error, time.Duration) {})
	set(&e.Recovered, func(time.Duration) {})
	set(&e.Failed, func(error) {})
	set(&e.Halted, func() {})
	return e
}

func set[F any](field *F, none F) {
	if reflect.ValueOf(*field).IsNil() {
		*field = none
	}
}
