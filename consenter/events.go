package consenter

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// reporter turns what happens in one chain into metrics and log lines: one line
// for an event, at debug level for what every block or record brings.
type reporter struct {
	log *fabric.Logger
	*channelMetrics
	certificate *clientCertificate
	health      *health

	mu        sync.Mutex
	survey    string // what was said of the topic's settings last
	unsaid    string // why progress could not be published last
	forks     forks
	connected bool          // has read the topic before
	next, end log.Offset    // that is taken next; after the last record
	cause     session.Cause // why the channel has stopped; empty if it has not
	taken     time.Time     // when the last record was, or the chain was made
}

// events are those of a channel whose chain is being made.
func (c *Consenter) events(channel string) session.Events {
	r := &reporter{log: c.logger.With("channel", channel), channelMetrics: c.metrics.of(channel), taken: time.Now(), certificate: c.certificate, health: c.health}
	return session.Events{
		Started:     r.started,
		RulesKnown:  r.described,
		BlockCut:    r.blockCut,
		Pulled:      r.pulled,
		Position:    r.position,
		Skipped:     r.skipped,
		Resubmitted: r.reproduced,
		CutPosted:   func(machine.BlockNumber) { r.cutsPosted.Add(1) },
		CutFailed:   r.cutFailed,
		Appended:    r.appended,
		Refused:     func(reason session.Refusal) { r.refusals(reason).Add(1) },
		Unavailable: r.unavailable,
		Pulling:     r.pulling,
		Awaiting:    r.awaiting,
		Recovered:   r.recovered,

		LastRecordUnchecked: r.tailUnchecked,
		Partitions:          r.partitions,
		Surveyed:            r.surveyed,
		Published:           r.published,
		Compared:            r.compared,

		Heartbeat: r.beat,
		Measured:  r.measured,
		Ambiguous: func(error) { r.ambiguous.Add(1) },

		Failed: r.failed,
		Halted: func() { r.halted(); c.admission.forget(channel) },
	}
}

func (r *reporter) started(next machine.Offset, height machine.BlockNumber) {
	r.at(next)
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

// surveyed says what is amiss with the topic's settings, or not known of them, when
// that changes. It comes often enough for the client certificate, too.
func (r *reporter) surveyed(found []log.Finding, err error) {
	r.certificate.look()
	flaws, unknown := append(texts(log.Flawed, found), texts(log.Warned, found)...), texts(log.Unknown, found)
	if err == nil {
		r.flaws.Set(float64(len(flaws)))
	}
	now := fmt.Sprint(flaws, unknown, err)
	r.mu.Lock()
	changed := now != r.survey
	r.survey = now
	r.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		r.log.Warnw("The topic's settings cannot be read", "error", err)
	case len(flaws) > 0:
		r.log.Warnw("The topic's settings are not what keeps a channel safe", "flaws", strings.Join(flaws, "; "), "unknown", strings.Join(unknown, "; "))
	default:
		r.log.Infow("The topic's settings are as they should be, as far as they are known", "unknown", strings.Join(unknown, "; "))
	}
}

func texts(v log.Verdict, found []log.Finding) (all []string) {
	for _, f := range log.Of(v, found) {
		all = append(all, f.String())
	}
	return all
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

func (r *reporter) blockCut(number machine.BlockNumber, envelopes int, cause machine.CutCause, at machine.Offset) {
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

// position is told after every record.
func (r *reporter) position(next machine.Offset) {
	r.at(next)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = time.Now()
}

func (r *reporter) at(next machine.Offset) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = log.Offset(next)
	r.end = max(r.end, r.next)
	r.nextOffset.Set(float64(next))
	r.behind()
}

// measured may tell of an end before the next offset: the topic was cut short.
func (r *reporter) measured(end log.Offset) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
	r.behind()
}

// behind sets what follows from both ends. Called with mu held.
func (r *reporter) behind() {
	r.logEnd.Set(float64(r.end))
	r.lag.Set(float64(max(r.end-r.next, 0)))
}

func (r *reporter) beat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sinceRecord.Set(time.Since(r.taken).Seconds())
}

func (r *reporter) skipped(at machine.Offset, reason machine.Reason, detail string) {
	r.skips(reason).Add(1)
	line := r.log.Warnw
	if ordinary(reason) {
		line = r.log.Debugw
	}
	line("Skipped a record", "offset", at, "reason", reason, "detail", detail)
}

func (r *reporter) reproduced(at machine.Offset) {
	r.configsReproduced.Add(1)
	r.log.Infow("Appended a stale config envelope anew", "offset", at)
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
	r.health.cutOff(r.channel, err)
	r.log.Warnw("Cut off from the topic; trying again", "after", retry, "error", err)
}

// pulling tells that the brokers answer, and what the topic does not have any more.
func (r *reporter) pulling(cause error) {
	r.available.Set(0)
	r.health.well(r.channel)
	r.log.Warnw("Taking blocks of other orderers", "cause", cause)
}

// awaiting says what is needed of other orderers: a block, or whether they have any. The
// brokers answer.
func (r *reporter) awaiting(err error, retry time.Duration) {
	r.available.Set(0)
	r.health.well(r.channel)
	r.log.Warnw("Waiting for other orderers; trying again", "after", retry, "error", err)
}

func (r *reporter) recovered(after time.Duration) {
	r.available.Set(1)
	r.health.well(r.channel)
	r.mu.Lock()
	if r.connected {
		r.reconnects.Add(1)
	}
	r.connected = true
	r.mu.Unlock()
	r.log.Infow("Connected to the topic", "after", after)
}

func (r *reporter) failed(err error) {
	r.available.Set(0)
	r.health.well(r.channel)
	r.stopped.Set(1)
	r.mu.Lock()
	r.cause = cmp.Or(session.CauseOf(err), session.CauseInternal)
	r.failure(r.cause).Set(1)
	r.mu.Unlock()
	r.log.Errorw("The channel has stopped on this orderer until an operator acts", "cause", r.cause, "error", err)
}

// halted takes the failure back: the channel is being removed, and no operator
// need act any more.
func (r *reporter) halted() {
	r.available.Set(0)
	r.health.well(r.channel)
	r.stopped.Set(0)
	r.mu.Lock()
	if r.cause != "" {
		r.failure(r.cause).Set(0)
	}
	r.forks.show(r.channelMetrics, nil)
	r.mu.Unlock()
	r.log.Info("Halted")
}
