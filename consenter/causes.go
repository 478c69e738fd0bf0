package consenter

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

// kind is what happened to an envelope that is not in a block.
type kind string

const (
	skipped kind = "skipped" // its record is in the topic and was not put in a block
	refused kind = "refused" // it was not accepted from the client
	stopped kind = "stopped" // its channel accepts nothing until an operator acts
	waiting kind = "waiting" // its channel accepts nothing for now
)

// row is a row of the table that answers why an envelope is not in a block. Metrics, log lines and the
// errors that clients receive use the same word.
type row struct {
	kind   kind
	word   string
	means  string
	remedy string   // empty if nothing needs to be done
	also   []string // functions that decide on it, in addition to those that use its constant
}

func skip(reason machine.Reason, means, remedy string, also ...string) row {
	return row{skipped, string(reason), means, remedy, also}
}

func refuse(r status.Refusal, means, remedy string, also ...string) row {
	return row{refused, string(r), means, remedy, also}
}

func halt(cause machine.HaltCause, means, remedy string, also ...string) row {
	return row{stopped, string(cause), means, remedy, also}
}

func stop(cause status.Cause, means, remedy string, also ...string) row {
	return row{stopped, string(cause), means, remedy, also}
}

func wait(cause status.Cause, means, remedy string, also ...string) row {
	return row{waiting, string(cause), means, remedy, also}
}

// rows returns all rows of the table, grouped by kind.
func rows() []row {
	return slices.Concat(skips(), refusals(), stops(), waits())
}

// rowOf returns the row of a word among those of the given kinds; a zero row if there is none.
func rowOf(word string, kinds ...kind) row {
	for _, r := range rows() {
		if r.word == word && slices.Contains(kinds, r.kind) {
			return r
		}
	}
	return row{}
}

// ordinary reports whether skipping records for this reason is part of normal operation.
func ordinary(r machine.Reason) bool {
	return rowOf(string(r), skipped).remedy == ""
}

// explained is an error with the word to look it up by and the remedy.
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

// explain adds to an error, once, its word in the table and the remedy. It returns an error
// that the table does not cover, such as that of an unresponsive broker, unchanged.
func explain(err error) error {
	if err == nil || errors.As(err, &explained{}) {
		return err
	}
	if r := (status.Refused{}); errors.As(err, &r) {
		return explained{err, string(r.Refusal), rowOf(string(r.Refusal), refused)}
	}
	if cause := status.CauseOf(err); cause != "" {
		return explained{err, string(cause), rowOf(string(cause), stopped, waiting)}
	}
	return err
}
