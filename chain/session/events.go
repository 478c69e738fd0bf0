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
//
// This is the list of events: to add one, add a field here, call it, and add its handler in the consenter; a test
// fails until that exists.
type Events struct {
	Started    func(next machine.Offset, height machine.BlockNumber) // reading started
	Configured func(consensusType string)                            // the config in force has this type; when the chain is made, and after each config block that keeps the channel here
	RulesKnown func(at machine.Offset, rules machine.RuleSet)        // the rules by which the topic is read are known
	// BlockCut reports a block that was written.
	BlockCut            func(number machine.BlockNumber, envelopes int, cause machine.CutCause, at machine.Offset)
	Pulled              func(number machine.BlockNumber, at machine.Offset)           // a block of another orderer was written
	Position            func(next machine.Offset)                                     // offset read next; after every record
	Skipped             func(at machine.Offset, reason machine.Reason, detail string) // a record was skipped
	Resubmitted         func(at machine.Offset)                                       // a copy of a stale envelope is in the log
	CutPosted           func(number machine.BlockNumber)                              // a time-to-cut record was appended
	CutFailed           func(number machine.BlockNumber, err error)                   // a time-to-cut record was not appended; it is tried again
	Appended            func(took time.Duration, err error)                           // one Order or Configure
	Refused             func(reason status.Refusal)                                   // one envelope of a client, by WaitReady, Order or Configure
	Unavailable         func(err error, retry time.Duration)                          // cut off from the log; tries again after retry
	Pulling             func(cause error)                                             // the topic no longer has the next record; pulls blocks from other orderers
	Waiting             func(err error, retry time.Duration)                          // other orderers have not given a block, or have not answered whether they have any; asks again after retry
	Recovered           func(after time.Duration)                                     // reading again, or for the first time
	LastRecordUnchecked func(last machine.Offset)                                     // the record before the next one was deleted from the topic
	Partitions          func(n int)                                                   // the topic has more than one by now; only the first is used
	Surveyed            func(found []log.Finding, err error)                          // the topic's settings were surveyed, or could not be
	Published           func(p log.Progress, err error)                               // what the ledger has was published, or could not be
	Compared            func(c log.Comparison, err error)                             // the ledger was compared with what other orderers published; if err is not nil, with only some of it
	Heartbeat           func()                                                        // every second, whatever else happens
	Measured            func(end log.Offset)                                          // where the topic ends: at each connect and check, and while these are overdue
	Ambiguous           func(err error)                                               // an append whose outcome is not known
	Failed              func(err error)                                               // stopped permanently
	Halted              func()                                                        // the channel is being removed, or the process ends
}

// WithDefaults returns e with functions that do nothing instead of nil.
func (e Events) WithDefaults() Events {
	fields := reflect.ValueOf(&e).Elem()
	for i := range fields.NumField() {
		if field := fields.Field(i); field.IsNil() {
			field.Set(reflect.MakeFunc(field.Type(), func([]reflect.Value) []reflect.Value { return nil }))
		}
	}
	return e
}
