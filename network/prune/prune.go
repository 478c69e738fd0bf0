// Package prune decides how much of a channel's topic no orderer needs any more, by
// what the orderers have published (chain/log.Progress).
package prune

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Options are what an operator says.
type Options struct {
	Known    []string      // groups of the orderers that must have published
	Orderers int           // how many the channel has
	Without  []string      // groups of orderers that are gone for good
	Keep     int64         // records to be kept below what the slowest orderer needs next
	MaxAge   time.Duration // of what an orderer has published
	Now      time.Time
}

// Plan is what may be deleted.
type Plan struct {
	Orderers []log.Progress // that count, by their names
	Slowest  log.Progress
	From     log.Offset // first record of the topic
	Below    log.Offset // records from From to the one before may be deleted; From if there is none
}

// Records is how many.
func (p Plan) Records() int64 { return int64(p.Below - p.From) }

// Make plans, or says all that is in the way: an orderer that has published nothing, or
// not lately, may need any record.
func Make(bounds log.Bounds, published []log.Progress, o Options) (Plan, error) {
	p := Plan{From: bounds.Start, Below: bounds.Start}
	var gone []log.Progress
	for _, q := range published {
		if slices.Contains(o.Without, q.Member) {
			gone = append(gone, q)
		} else {
			p.Orderers = append(p.Orderers, q)
		}
	}
	if err := errors.Join(o.obstacles(bounds, p.Orderers), o.present(gone), o.counted(p.Orderers)); err != nil {
		return Plan{}, err
	}
	p.Slowest = slices.MinFunc(p.Orderers, func(a, b log.Progress) int { return int(a.Next - b.Next) })
	p.Below = max(bounds.Start, p.Slowest.Next-log.Offset(o.Keep))
	return p, nil
}

func (o Options) obstacles(bounds log.Bounds, orderers []log.Progress) error {
	var all []error
	in := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	for _, known := range o.Known {
		there := slices.ContainsFunc(orderers, func(p log.Progress) bool { return p.Member == known })
		if !there && !slices.Contains(o.Without, known) {
			in("orderer %s has published nothing for this topic: start it and wait for its CheckInterval (30s), "+
				"see that Consensus.Kafka.ConsumerGroup is set there, or name it with --without if it is gone for good", known)
		}
	}
	for _, p := range orderers {
		age := o.Now.Sub(p.At).Truncate(time.Second)
		switch {
		case p.At.IsZero():
			in("group %s is at offset %d, which its orderer has not committed (kafka-consumer-groups --reset-offsets does that): "+
				"restart the orderer, which commits anew; or name it with --without if it is gone for good", p.Member, p.Next)
		case age.Abs() > o.MaxAge:
			in("orderer %s has published %s ago that it is at offset %d, want within %s: start it, mend its clock, "+
				"or name it with --without if it is gone for good", p.Member, age, p.Next, o.MaxAge)
		}
		if p.Next > bounds.End {
			in("orderer %s goes on at offset %d, but the topic ends at %d: it is not the topic that the orderer reads", p.Member, p.Next, bounds.End)
		}
	}
	if len(orderers) == 0 {
		in("no orderer has published how far it is")
	}
	return errors.Join(all...)
}

// present says which of those that are said to be gone are there.
func (o Options) present(gone []log.Progress) error {
	var all []error
	for _, p := range gone {
		if age := o.Now.Sub(p.At).Truncate(time.Second); age <= o.MaxAge {
			all = append(all, fmt.Errorf("orderer %s is named with --without, and has published %s ago: it is not gone", p.Member, age))
		}
	}
	return errors.Join(all...)
}

// counted makes sure that no orderer was forgotten that has never published.
func (o Options) counted(orderers []log.Progress) error {
	if o.Keep < 0 {
		return fmt.Errorf("%d records to keep below what the slowest orderer needs next: want 0 or more", o.Keep)
	}
	known := slices.Concat(o.Known, o.Without)
	for _, p := range orderers {
		known = append(known, p.Member)
	}
	slices.Sort(known)
	if n := len(slices.Compact(known)); n < o.Orderers {
		return fmt.Errorf("%d of the channel's %d orderers are known: start the others, and wait until they have published how far they are, "+
			"or name with --without those that are gone for good", n, o.Orderers)
	}
	return nil
}

// String is the plan as a table.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-50s %10s %10s  %s\n", "orderer", "block", "offset", "published")
	for _, q := range p.Orderers {
		fmt.Fprintf(&b, "%-50s %10d %10d  %s\n", q.Member, q.Block, q.Next, q.At.Local().Format(time.DateTime))
	}
	return b.String()
}
