package chain

import (
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// OpenLog opens the log of a channel; it does no network I/O. The broker list
// is the channel config's; maxEnvelope is the channel's AbsoluteMaxBytes.
type OpenLog func(brokers []string, topic string, maxEnvelope uint32) (log.Log, error)

// Options are what a chain needs beside Fabric's support. The zero value of
// every duration means its default.
type Options struct {
	OpenLog OpenLog               // required
	Crypto  fabric.CryptoProvider // required
	Events  Events

	RetryMin      time.Duration // first pause after a failure; default 100 ms, doubled up to RetryMax, with jitter
	RetryMax      time.Duration // default 5 s
	AppendTimeout time.Duration // how long Order and Configure wait for the acknowledgement; default 10 s
	ReadyTimeout  time.Duration // how long WaitReady waits for a chain that is starting or cut off; default 5 s
	CutJitter     float64       // a time-to-cut is posted after BatchTimeout * (1 + [0, CutJitter)); default 0.1
	Inflight      int           // appends in flight per channel before Order waits; default 4096
}

// Events report what happens in a chain, for logs and metrics. Every field may
// be nil. They are called from the chain's goroutines and must not block.
type Events struct {
	Started     func(next log.Offset, height uint64) // reading began
	Described   func(offset log.Offset)              // the topic's description was accepted
	BlockCut    func(number uint64, envelopes int, cause machine.Cause, at machine.Offset)
	Position    func(next log.Offset) // offset read next; after every record
	Skipped     func(offset log.Offset, reason machine.Reason, detail string)
	Reproduced  func(offset log.Offset)              // a lagging config envelope is in the log again
	CutPosted   func(number uint64)                  // a time-to-cut record was appended
	Appended    func(took time.Duration, err error)  // one Order or Configure
	Unavailable func(err error, retry time.Duration) // cut off from the log; tries again after retry
	Recovered   func(after time.Duration)            // reading again
	Failed      func(err error)                      // halted for good
	Halted      func()
}
