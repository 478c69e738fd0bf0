package consenter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// kind is what became of an envelope that is in no block.
type kind string

const (
	skipped kind = "skipped" // its record is in the topic, and goes into no block
	refused kind = "refused" // it was not taken from the client
	stopped kind = "stopped" // its channel takes nothing until an operator acts
	waiting kind = "waiting" // its channel takes nothing at the moment
)

// row is a line of the table that answers why an envelope is in no block. The word is
// the one of the metrics, of the log, and of the error that a client is told.
type row struct {
	kind   kind
	word   string
	means  string
	remedy string   // empty where nobody has to do anything
	also   []string // functions that decide on it, beside those that use its constant
}

func skip(reason machine.Reason, means, remedy string, also ...string) row {
	return row{skipped, string(reason), means, remedy, also}
}

func refuse(r session.Refusal, means, remedy string, also ...string) row {
	return row{refused, string(r), means, remedy, also}
}

func halt(cause machine.HaltCause, means, remedy string, also ...string) row {
	return row{stopped, string(cause), means, remedy, also}
}

func stop(cause session.Cause, means, remedy string, also ...string) row {
	return row{stopped, string(cause), means, remedy, also}
}

func wait(cause session.Cause, means, remedy string, also ...string) row {
	return row{waiting, string(cause), means, remedy, also}
}

// rows are all lines of the table, those of one kind beside each other.
func rows() []row {
	return slices.Concat(skips(), refusals(), stops(), waits())
}

// rowOf returns the line of a word, of one of the kinds; a zero one if there is none.
func rowOf(word string, kinds ...kind) row {
	for _, r := range rows() {
		if r.word == word && slices.Contains(kinds, r.kind) {
			return r
		}
	}
	return row{}
}

// ordinary reports whether records that are skipped for this reason belong to normal
// operation.
func ordinary(r machine.Reason) bool {
	return rowOf(string(r), skipped).remedy == ""
}

// explained is an error with the word to look it up by and what an operator can do.
type explained struct {
	err  error
	word string
	row  row
}

func (e explained) Error() string {
	if e.row.remedy == "" {
		return fmt.Sprintf("%v (%s)", e.err, e.word)
	}
	return fmt.Sprintf("%v (%s); %s", e.err, e.word, e.row.remedy)
}

func (e explained) Unwrap() error { return e.err }

// explain adds to what clients and operators are told by which word the table has it,
// and its remedy; once. What the table does not have, as a broker that does not answer,
// stays what it is.
func explain(err error) error {
	if err == nil || errors.As(err, &explained{}) {
		return err
	}
	if r := (session.Refused{}); errors.As(err, &r) {
		return explained{err, string(r.Refusal), rowOf(string(r.Refusal), refused)}
	}
	if cause := session.CauseOf(err); cause != "" {
		return explained{err, string(cause), rowOf(string(cause), stopped, waiting)}
	}
	return err
}
