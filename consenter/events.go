package consenter

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/consenter/credentials"
)

// reporter turns the events of one chain into metrics and log lines: one line for each
// event, at debug level for those of every block or record.
type reporter struct {
	log     *fabric.Logger
	channel string
	*channelMetrics
	certificate *credentials.ClientCertificate
	health      *health

	next atomic.Int64 // offset of the next record to process; shown at each heartbeat, and not for each record

	mu          sync.Mutex
	survey      string // the last report on the topic's settings
	unpublished string // why progress was not published last
	forks       forks
	connected   bool         // the topic was read before
	shown, end  log.Offset   // of the next record to process, when it was shown last; after the last record
	kind        string       // consensus type in force
	cause       status.Cause // why the channel stopped; empty if it did not
	processed   time.Time    // when a record was seen to be, or the chain was created
}

// events returns the event handlers for a new chain of a channel.
func (c *Consenter) events(channel string) session.Events {
	r := &reporter{log: c.logger.With("channel", channel), channel: channel, channelMetrics: c.metrics.of(channel), processed: time.Now(), certificate: c.certificate, health: c.health}
	r.expose()
	return session.Events{
		Started:     r.started,
		Configured:  r.configured,
		RulesKnown:  r.described,
		BlockCut:    r.blockCut,
		Pulled:      r.pulled,
		Position:    r.position,
		Skipped:     r.skipped,
		Resubmitted: r.resubmitted,
		CutPosted:   func(machine.BlockNumber) { r.CutsPosted.Add(1) },
		CutFailed:   r.cutFailed,
		Appended:    r.appended,
		Refused:     func(reason status.Refusal) { r.EnvelopesRefused(string(reason)).Add(1) },
		Unavailable: r.unavailable,
		Pulling:     r.pulling,
		Waiting:     r.waiting,
		Recovered:   r.recovered,

		LastRecordUnchecked: r.lastRecordUnchecked,
		Partitions:          r.partitions,
		Surveyed:            r.surveyed,
		Published:           r.published,
		Compared:            r.compared,

		Heartbeat: r.heartbeat,
		Measured:  r.measured,
		Ambiguous: func(error) { r.AppendsAmbiguous.Add(1) },

		Failed: r.failed,
		Halted: func() { r.halted(); c.admission.forget(channel) },
	}
}

func (r *reporter) started(next machine.Offset, height machine.BlockNumber) {
	r.at(next)
	r.log.Infow("Reading the topic", "block", height, "offset", next)
}

// configured shows the consensus type, when that changes. Type etcdraft alone would make operators look for a Raft
// leader.
func (r *reporter) configured(kind string) {
	r.mu.Lock()
	before := r.kind
	r.kind = kind
	r.mu.Unlock()
	if before != "" && kind == before {
		return
	}
	if before != "" {
		r.Type(before).Set(0)
	}
	r.Type(kind).Set(1)
	r.log.Infow("The channel is ordered through Kafka", "type", kind)
}

func (r *reporter) described(at machine.Offset, rules machine.RuleSet) {
	r.log.Infow("The topic is this channel's", "offset", at, "rules", rules)
}

func (r *reporter) lastRecordUnchecked(at machine.Offset) {
	r.log.Warnw("Cannot verify that the ledger was made from this topic: its records up to this offset were deleted; set its retention to unlimited", "offset", at)
}

func (r *reporter) partitions(n int) {
	r.log.Warnw("The topic has more than one partition; this channel uses the first only, and so must every writer", "partitions", n)
}

// surveyed logs which of the topic's settings are unsafe or unknown, when that changes. It is
// called often enough to check the client certificate as well.
func (r *reporter) surveyed(found []log.Finding, err error) {
	r.certificate.Refresh()
	flaws, unknown := append(texts(log.Flawed, found), texts(log.Warned, found)...), texts(log.Unknown, found)
	if err == nil {
		r.TopicFlaws.Set(float64(len(flaws)))
	}
	now := fmt.Sprint(flaws, unknown, err)
	r.mu.Lock()
	changed := now != r.survey
	r.survey = now
	r.mu.Unlock()
	switch {
	case !changed:
	case err != nil:
		r.log.Warnw("Could not read the topic's settings", "error", err)
	case len(flaws) > 0:
		r.log.Warnw("The topic is not as it should be", "flaws", strings.Join(flaws, "; "), "unknown", strings.Join(unknown, "; "))
	default:
		r.log.Infow("The topic's settings are safe, as far as they are known", "unknown", strings.Join(unknown, "; "))
	}
}

func texts(r log.Result, found []log.Finding) (all []string) {
	for _, f := range log.Of(r, found) {
		all = append(all, f.String())
	}
	return all
}

// published logs why progress is not published, when that changes.
func (r *reporter) published(p log.Progress, err error) {
	now := ""
	if err != nil {
		now = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now != r.unpublished && now != "" {
		r.log.Warnw("Could not publish the ledger's progress; the topic cannot be pruned", "group", p.Member, "error", err)
	}
	r.unpublished = now
	r.log.Debugw("Published the ledger's progress", "group", p.Member, "offset", p.Next, "block", p.Block)
}

func (r *reporter) blockCut(number machine.BlockNumber, envelopes int, cause machine.CutCause, at machine.Offset) {
	r.BlocksCut(string(cause)).Add(1)
	r.log.Debugw("Cut a block", "block", number, "offset", at, "envelopes", envelopes, "cause", cause)
}

// pullsPerLine is the number of pulled blocks for each line at info level.
const pullsPerLine = 1000

func (r *reporter) pulled(number machine.BlockNumber, at machine.Offset) {
	r.BlocksPulled.Add(1)
	r.position(at + 1)
	line := r.log.Debugw
	if number%pullsPerLine == 0 {
		line = r.log.Infow
	}
	line("Wrote a block from another orderer", "block", number, "offset", at)
}

// position is called after every record.
func (r *reporter) position(next machine.Offset) { r.next.Store(int64(next)) }

// show shows what records were processed since it was called last.
func (r *reporter) show() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if next := log.Offset(r.next.Load()); next != r.shown {
		r.processed = time.Now()
		r.set(next)
	}
}

// at shows where the channel starts to read.
func (r *reporter) at(next machine.Offset) {
	r.position(next)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(log.Offset(next))
}

// set sets the metrics that depend on the next offset. The caller must hold mu.
func (r *reporter) set(next log.Offset) {
	r.shown = next
	r.end = max(r.end, next)
	r.NextOffset.Set(float64(next))
	r.setLag()
}

// measured may be called with an end before the next offset: the topic was truncated.
func (r *reporter) measured(end log.Offset) {
	r.show()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
	r.setLag()
}

// setLag sets the metrics that depend on shown and end. The caller must hold mu.
func (r *reporter) setLag() {
	r.LogEnd.Set(float64(r.end))
	r.Lag.Set(float64(max(r.end-r.shown, 0)))
}

func (r *reporter) heartbeat() {
	r.show()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.SinceRecord.Set(time.Since(r.processed).Seconds())
}

func (r *reporter) skipped(at machine.Offset, reason machine.Reason, detail string) {
	r.RecordsSkipped(string(reason)).Add(1)
	line := r.log.Warnw
	if ordinary(reason) {
		line = r.log.Debugw
	}
	line("Skipped a record", "offset", at, "reason", reason, "detail", detail)
}

func (r *reporter) resubmitted(at machine.Offset) {
	r.ConfigsReproduced.Add(1)
	r.log.Infow("Resubmitted a stale envelope", "offset", at)
}

func (r *reporter) cutFailed(number machine.BlockNumber, err error) {
	r.CutsFailed.Add(1)
	r.log.Warnw("Could not append a time-to-cut; trying again", "block", number, "error", err)
}

func (r *reporter) appended(took time.Duration, err error) {
	if err != nil {
		r.AppendDuration("error").Observe(took.Seconds())
		return
	}
	r.AppendDuration("ok").Observe(took.Seconds())
}

func (r *reporter) unavailable(err error, retry time.Duration) {
	r.Available.Set(0)
	r.Interruptions.Add(1)
	r.health.cutOff(r.channel, err)
	r.log.Warnw("Cut off from the topic; trying again", "after", retry, "error", err)
}

// pulling is called with the reason why the topic cannot provide the next block. The brokers
// answer, so the channel is not cut off.
func (r *reporter) pulling(cause error) {
	r.Available.Set(0)
	r.health.clear(r.channel)
	r.log.Warnw("Pulling blocks from other orderers", "cause", cause)
}

// waiting is called with what the channel needs from other orderers: a block, or the height
// of their ledgers. The brokers answer, so the channel is not cut off.
func (r *reporter) waiting(err error, retry time.Duration) {
	r.Available.Set(0)
	r.health.clear(r.channel)
	r.log.Warnw("Waiting for other orderers; trying again", "after", retry, "error", err)
}

func (r *reporter) recovered(after time.Duration) {
	r.Available.Set(1)
	r.health.clear(r.channel)
	r.mu.Lock()
	if r.connected {
		r.Reconnects.Add(1)
	}
	r.connected = true
	r.mu.Unlock()
	r.log.Infow("Connected to the topic", "after", after)
}

func (r *reporter) failed(err error) {
	r.show()
	r.Available.Set(0)
	r.health.clear(r.channel)
	r.Failed.Set(1)
	r.mu.Lock()
	r.cause = cmp.Or(status.CauseOf(err), status.CauseInternal)
	r.Failure(string(r.cause)).Set(1)
	r.mu.Unlock()
	r.log.Errorw("The channel has stopped on this orderer until an operator acts", "cause", r.cause, "error", err)
}

// halted resets the failure: the channel is being removed, so no operator has to act.
func (r *reporter) halted() {
	r.Available.Set(0)
	r.health.clear(r.channel)
	r.Failed.Set(0)
	r.mu.Lock()
	if r.cause != "" {
		r.Failure(string(r.cause)).Set(0)
	}
	r.forks.show(r.channelMetrics, nil)
	r.mu.Unlock()
	r.log.Info("Halted")
}
