package consenter

import (
	"strings"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
)

// reporter turns what happens in one chain into metrics and log lines: one line
// for an event, at debug level for what every block or record brings.
type reporter struct {
	log *fabric.Logger
	*channelMetrics
	certificate *clientCertificate

	mu     sync.Mutex
	survey string // what was said of the topic's settings last
	unsaid string // why progress could not be published last
}

// events are those of a channel whose chain is being made.
func (c *Consenter) events(channel string) engine.Events {
	r := &reporter{log: c.logger.With("channel", channel), channelMetrics: c.metrics.of(channel), certificate: c.certificate}
	return engine.Events{
		Started:     r.started,
		Described:   r.described,
		BlockCut:    r.blockCut,
		Pulled:      r.pulled,
		Position:    r.position,
		Skipped:     r.skipped,
		Reproduced:  r.reproduced,
		CutPosted:   func(machine.BlockNumber) { r.cutsPosted.Add(1) },
		CutFailed:   r.cutFailed,
		Appended:    r.appended,
		Unavailable: r.unavailable,
		Recovered:   r.recovered,

		TailUnchecked: r.tailUnchecked,
		Partitions:    r.partitions,
		Surveyed:      r.surveyed,
		Published:     r.published,

		Failed: r.failed,
		Halted: r.halted,
	}
}

func (r *reporter) started(next machine.Offset, height machine.BlockNumber) {
	r.position(next)
	r.log.Infow("Reading the topic", "block", height, "offset", next)
}

func (r *reporter) described(at machine.Offset, rules machine.RuleSet) {
	r.log.Infow("The topic is this channel's", "offset", at, "rules", rules)
}

func (r *reporter) tailUnchecked(tail machine.Offset) {
	r.log.Warnw("Cannot check that the topic is the one that the ledger was made from: its records up to here were deleted; set its retention to unlimited", "offset", tail)
}

func (r *reporter) partitions(n int) {
	r.log.Warnw("The topic has more than one partition; this channel uses the first only, and so must every writer", "partitions", n)
}

// surveyed says what is amiss with the topic's settings when that changes. It
// comes often enough for the client certificate, too.
func (r *reporter) surveyed(flaws []log.Flaw, err error) {
	r.certificate.look()
	var said []string
	for _, f := range flaws {
		said = append(said, f.String())
	}
	if err != nil {
		said = []string{"they cannot be read: " + err.Error()}
	} else {
		r.flaws.Set(float64(len(flaws)))
	}
	now := strings.Join(said, "; ")
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case now == r.survey:
		return
	case now == "":
		r.log.Infow("The topic's settings are as they should be")
	default:
		r.log.Warnw("The topic's settings are not what keeps a channel safe; see the Kafka tool kafka-configs", "settings", now)
	}
	r.survey = now
}

// published says why progress is not published when that changes.
func (r *reporter) published(p log.Progress, err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now != r.unsaid && now != "" {
		r.log.Warnw("Could not publish how far the ledger is; the topic must not be pruned by it", "group", p.Member, "error", err)
	}
	r.unsaid = now
	r.log.Debugw("Published how far the ledger is", "group", p.Member, "offset", p.Next, "block", p.Block)
}

func (r *reporter) blockCut(number machine.BlockNumber, envelopes int, cause machine.Cause, at machine.Offset) {
	r.blocks(cause).Add(1)
	r.log.Debugw("Cut a block", "block", number, "offset", at, "envelopes", envelopes, "cause", cause)
}

// progress is how many blocks of other orderers are written from line to line.
const progress = 1000

func (r *reporter) pulled(number machine.BlockNumber, at machine.Offset) {
	r.blocksPulled.Add(1)
	r.position(at + 1)
	line := r.log.Debugw
	if number%progress == 0 {
		line = r.log.Infow
	}
	line("Wrote a block of another orderer", "block", number, "offset", at)
}

func (r *reporter) position(next machine.Offset) { r.nextOffset.Set(float64(next)) }

func (r *reporter) skipped(at machine.Offset, reason machine.Reason, detail string) {
	r.skips(reason).Add(1)
	line := r.log.Warnw
	if ordinary(reason) {
		line = r.log.Debugw
	}
	line("Passed over a record", "offset", at, "reason", reason, "detail", detail)
}

// ordinary says whether records that are passed over for this reason belong to
// normal operation.
func ordinary(r machine.Reason) bool {
	switch r {
	case machine.ReasonConnect, machine.ReasonStaleCut, machine.ReasonDescription, machine.ReasonCopy, machine.ReasonResubmitted:
		return true
	}
	return false
}

func (r *reporter) reproduced(at machine.Offset) {
	r.configsReproduced.Add(1)
	r.log.Infow("Appended a lagging config envelope anew", "offset", at)
}

func (r *reporter) cutFailed(number machine.BlockNumber, err error) {
	r.cutsFailed.Add(1)
	r.log.Warnw("Could not ask for a block to be cut; trying again", "block", number, "error", err)
}

func (r *reporter) appended(took time.Duration, err error) {
	if err != nil {
		r.appendFailed.Observe(took.Seconds())
		return
	}
	r.appendDone.Observe(took.Seconds())
}

func (r *reporter) unavailable(err error, retry time.Duration) {
	r.available.Set(0)
	r.interruptions.Add(1)
	r.log.Warnw("Cut off from the topic; trying again", "after", retry, "error", err)
}

func (r *reporter) recovered(after time.Duration) {
	r.available.Set(1)
	r.log.Infow("Connected to the topic", "after", after)
}

func (r *reporter) failed(err error) {
	r.available.Set(0)
	r.stopped.Set(1)
	r.log.Errorw("The channel has stopped on this orderer until an operator acts", "error", err)
}

// halted takes the failure back: the channel is being removed, and no operator
// need act any more.
func (r *reporter) halted() {
	r.available.Set(0)
	r.stopped.Set(0)
	r.log.Info("Halted")
}
