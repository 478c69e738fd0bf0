package chain

import (
	"cmp"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/handover"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/session"
)

// OpenLog opens the log of a channel; it does no network I/O. The broker list
// is Options.Brokers, or else the channel config's; maxEnvelope is the channel's AbsoluteMaxBytes, which
// counts payload and signature of an envelope.
type OpenLog func(brokers []string, topic string, maxEnvelope uint32) (log.Log, error)

// Room returns an error until the ledger disk has space for this many more bytes. It then grants them: they count as
// used until done reports that they are on the disk, or never will be. Both may be called concurrently.
type Room func(bytes int, done func() bool) error

// Options are what a chain needs besides Fabric's support. A duration or number
// of zero means its default.
type Options struct {
	OpenLog OpenLog               // required
	Crypto  fabric.CryptoProvider // required
	Brokers []string              // instead of the channel config's list; none: that list
	Events  session.Events

	Room Room // of the ledger disk; nil: it is not checked

	// Explain adds the cause and the remedy to an error that clients and operators see,
	// by its [status.CauseOf]; nil: errors have the facts alone.
	Explain func(error) error

	Member    string    // consumer group that progress is published by; empty: it is not published
	Members   string    // prefix of the groups of all orderers of the channel, with its dot; empty: nothing is compared
	NewPuller NewPuller // nil: there are no other orderers; a channel whose topic lost records that it needs stops
	session.Settings

	RetryMin      time.Duration // first pause after a failure; default 100 ms, a quarter longer each time up to RetryMax, with jitter
	RetryMax      time.Duration // default 5 s
	AppendTimeout time.Duration // how long Order and Configure wait for the acknowledgement; default 10 s
	ReadyTimeout  time.Duration // how long WaitReady waits for a chain that is starting or cut off, and Order for room in the backlog; default 5 s
	DeliverGrace  time.Duration // how long a chain that is cut off continues to serve its blocks to every reader; default 30 s
	Handover      handover.Local
	Preflight     Preflight     // default PreflightWarn
	ForkAlarm     ForkAlarm     // default ForkWarn
	CheckInterval time.Duration // how often a topic that is read is checked to be the same; default 30 s
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
	DefaultCheckInterval = 30 * time.Second
	DefaultCutJitter     = 0.1
	DefaultInflight      = 4096
)

func (o Options) withDefaults() Options {
	o.RetryMin = cmp.Or(o.RetryMin, DefaultRetryMin)
	o.RetryMax = cmp.Or(o.RetryMax, DefaultRetryMax)
	o.AppendTimeout = cmp.Or(o.AppendTimeout, DefaultAppendTimeout)
	o.ReadyTimeout = cmp.Or(o.ReadyTimeout, DefaultReadyTimeout)
	o.DeliverGrace = cmp.Or(o.DeliverGrace, DefaultDeliverGrace)
	o.CheckInterval = cmp.Or(o.CheckInterval, DefaultCheckInterval)
	o.CutJitter = cmp.Or(o.CutJitter, DefaultCutJitter)
	o.Inflight = cmp.Or(o.Inflight, DefaultInflight)
	o.Preflight = cmp.Or(o.Preflight, PreflightWarn)
	o.ForkAlarm = cmp.Or(o.ForkAlarm, ForkWarn)
	o.Events = o.Events.WithDefaults()
	if o.Room == nil {
		o.Room = func(int, func() bool) error { return nil }
	}
	if o.Explain == nil {
		o.Explain = func(err error) error { return err }
	}
	return o
}
