package session

import (
	"reflect"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// Events report what happens in a channel, for logs and metrics. Every field may
// be nil. They are called from the channel's goroutines and must not block.
type Events struct {
	Started             func(next machine.Offset, height machine.BlockNumber) // reading started
	RulesKnown          func(at machine.Offset, rules machine.RuleSet)        // it is known by which rules the topic is read
	BlockCut            func(number machine.BlockNumber, envelopes int, cause machine.CutCause, at machine.Offset)
	Pulled              func(number machine.BlockNumber, at machine.Offset) // a block of another orderer was written
	Position            func(next machine.Offset)                           // offset read next; after every record
	Skipped             func(at machine.Offset, reason machine.Reason, detail string)
	Resubmitted         func(at machine.Offset)          // a copy of a stale envelope is in the log
	CutPosted           func(number machine.BlockNumber) // a time-to-cut record was appended
	CutFailed           func(number machine.BlockNumber, err error)
	Appended            func(took time.Duration, err error)  // one Order or Configure
	Refused             func(reason status.Refusal)          // one envelope of a client, by WaitReady, Order or Configure
	Unavailable         func(err error, retry time.Duration) // cut off from the log; tries again after retry
	Pulling             func(cause error)                    // the topic no longer has the next record; takes blocks of other orderers
	Awaiting            func(err error, retry time.Duration) // other orderers have not given a block, or not answered whether they have any; asks again after retry
	Recovered           func(after time.Duration)            // reading again, or for the first time
	LastRecordUnchecked func(last machine.Offset)            // the record before the next one was deleted from the topic
	Partitions          func(n int)                          // the topic has more than one by now; only the first is used
	Surveyed            func(found []log.Finding, err error) // the topic's settings were surveyed, or could not be
	Published           func(p log.Progress, err error)      // what the ledger has was published, or could not be
	Compared            func(c log.Comparison, err error)    // the ledger was compared with what other orderers published; with an error, with some of it
	Heartbeat           func()                               // every second, whatever else happens
	Measured            func(end log.Offset)                 // where the topic ends, asked beside the reading
	Ambiguous           func(err error)                      // an append whose outcome is not known
	Failed              func(err error)                      // stopped permanently
	Halted              func()
}

// WithDefaults returns e with functions that do nothing instead of nil.
func (e Events) WithDefaults() Events {
	set(&e.Started, func(machine.Offset, machine.BlockNumber) {})
	set(&e.RulesKnown, func(machine.Offset, machine.RuleSet) {})
	set(&e.BlockCut, func(machine.BlockNumber, int, machine.CutCause, machine.Offset) {})
	set(&e.Pulled, func(machine.BlockNumber, machine.Offset) {})
	set(&e.Position, func(machine.Offset) {})
	set(&e.Skipped, func(machine.Offset, machine.Reason, string) {})
	set(&e.Resubmitted, func(machine.Offset) {})
	set(&e.CutPosted, func(machine.BlockNumber) {})
	set(&e.CutFailed, func(machine.BlockNumber, error) {})
	set(&e.Appended, func(time.Duration, error) {})
	set(&e.Refused, func(status.Refusal) {})
	set(&e.Unavailable, func(error, time.Duration) {})
	set(&e.Pulling, func(error) {})
	set(&e.Awaiting, func(error, time.Duration) {})
	set(&e.Recovered, func(time.Duration) {})
	set(&e.LastRecordUnchecked, func(machine.Offset) {})
	set(&e.Partitions, func(int) {})
	set(&e.Surveyed, func([]log.Finding, error) {})
	set(&e.Published, func(log.Progress, error) {})
	set(&e.Compared, func(log.Comparison, error) {})
	set(&e.Heartbeat, func() {})
	set(&e.Measured, func(log.Offset) {})
	set(&e.Ambiguous, func(error) {})
	set(&e.Failed, func(error) {})
	set(&e.Halted, func() {})
	return e
}

func set[F any](field *F, none F) {
	if reflect.ValueOf(*field).IsNil() {
		*field = none
	}
}
