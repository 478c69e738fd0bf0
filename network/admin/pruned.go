package admin

import (
	"fmt"
	"io"

	"github.com/fabric-kafka/orderer/network/prune"
)

// pruned is the result of prune.
type pruned struct {
	Channel  string        `json:"channel"`
	Orderers []publication `json:"orderers"` // those that have published
	From     int64         `json:"from"`     // first record of the topic
	Below    int64         `json:"below"`    // the records before this one may be deleted
	Records  int64         `json:"records"`  // how many
	Deleted  bool          `json:"deleted"`
	DryRun   bool          `json:"dryRun,omitempty"`
	Refused  []string      `json:"refused,omitempty"` // why nothing may be deleted

	options prune.Options
	plan    prune.Plan
	refusal error
}

// refused returns the report of a refusal.
func (r pruned) refused(why prune.Refusal) pruned {
	for _, reason := range why.Reasons {
		r.Refused = append(r.Refused, reason.Error())
	}
	r.refusal = fmt.Errorf("channel %s: nothing is deleted: %w", r.Channel, why)
	return r
}

func (r pruned) Value() any { return r }

func (r pruned) Table(out io.Writer) error {
	if r.refusal != nil {
		return nil // Err has all of it
	}
	what := fmt.Sprintf("channel %s: %d records, offsets %d to %d", r.Channel, r.Records, r.From, r.Below-1)
	switch {
	case r.Records == 0:
		what = fmt.Sprintf("channel %s: there is nothing to delete: the topic starts at offset %d, and %s needs those from %d on; %d below are kept",
			r.Channel, r.From, r.plan.Slowest.Member, r.plan.Slowest.Next, r.options.Keep)
	case r.DryRun:
		what += " would be deleted"
	default:
		what += " are deleted"
	}
	_, err := fmt.Fprint(out, r.plan.Table(r.options), what, "\n")
	return err
}

func (r pruned) Err() error { return r.refusal }
