// Package prune decides how much of a channel's topic no orderer needs any more.
//
// Deleting requires proof about each orderer of the channel: the operator names each one;
// each has recently published its progress (chain/log.Progress) under exactly that name
// and by the strict rules; no other orderer has published; and every organization and
// every address of orderers in the channel's config belongs to a named orderer. The number
// of orderers proves nothing.
package prune

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// Options are given by the operator.
type Options struct {
	Prefix   string        // of the orderers' consumer groups
	Orderers []Orderer     // all of the channel's
	Without  []string      // names of orderers that have published and are gone
	Keep     int64         // records to be kept below what the slowest orderer needs next
	MaxAge   time.Duration // of what an orderer has published
	Now      time.Time

	Witnesses []Witness // orderers whose blocks were read; none: published progress is trusted
}

// Plan describes the records that may be deleted.
type Plan struct {
	Orderers []log.Progress // of the channel, by their names
	Slowest  log.Progress
	From     log.Offset // first record of the topic
	Below    log.Offset // records from From to the one before may be deleted; From if there is none
}

// Records returns the number of records that may be deleted.
func (p Plan) Records() int64 { return int64(p.Below - p.From) }

// Make returns a plan, or a [Refusal]. published is the progress of all members whose names
// begin with the prefix and a dot.
func Make(bounds log.Bounds, published []log.Progress, c Channel, o Options) (Plan, error) {
	p := Plan{From: bounds.Start, Below: bounds.Start}
	faults := slices.Concat(o.unusable(), c.accounted(o.Orderers), o.without(published))
	for _, q := range published {
		if o.names(o.name(q)) {
			p.Orderers = append(p.Orderers, q)
			faults = append(faults, o.obstacles(bounds, q, c)...)
			faults = append(faults, o.unproved(q, c)...)
		} else if !slices.Contains(o.Without, o.name(q)) {
			faults = append(faults, fmt.Errorf("orderer %s has published for this channel and is not named: add --member %[1]s, "+
				"or --without %[1]s if it is gone", o.name(q)))
		}
	}
	for _, named := range o.Orderers {
		if !slices.ContainsFunc(p.Orderers, func(q log.Progress) bool { return o.name(q) == named.Name }) {
			faults = append(faults, fmt.Errorf("orderer %s has published nothing for this channel: correct the name if it is none of those below, "+
				"which must match exactly; else start it, make sure that its Consensus.Kafka.ConsumerGroup is %s, and wait for its CheckInterval (30s by default)", named.Name, o.Prefix))
		}
	}
	if atConfig := func(q log.Progress) bool { return q.ConfigSeq == c.ConfigSeq }; len(faults) == 0 && !slices.ContainsFunc(p.Orderers, atConfig) {
		faults = append(faults, fmt.Errorf("no orderer is at config sequence %d, which the config block is of: wait for their CheckInterval (30s by default); "+
			"if it stays so, the block is another network's", c.ConfigSeq))
	}
	if len(faults) > 0 {
		return Plan{}, Refusal{faults, published, o}
	}
	p.Slowest = slices.MinFunc(p.Orderers, func(a, b log.Progress) int { return cmp.Compare(a.Next, b.Next) })
	p.Below = max(bounds.Start, p.Slowest.Next-log.Offset(o.Keep))
	return p, nil
}

// name returns the operator's name of a member.
func (o Options) name(p log.Progress) string {
	return log.Shown(strings.TrimPrefix(p.Member, o.Prefix+"."))
}

func (o Options) names(name string) bool {
	return slices.ContainsFunc(o.Orderers, func(known Orderer) bool { return known.Name == name })
}

// unusable returns the faults in the options themselves.
func (o Options) unusable() (faults []error) {
	in := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if o.Keep < 0 {
		in("%d records to keep below what the slowest orderer needs next: want 0 or more", o.Keep)
	}
	if o.MaxAge <= 0 {
		in("a maximal age of %s: want more than 0", o.MaxAge)
	}
	if len(o.Orderers) == 0 {
		in("no orderer is named: add each of the channel's, --member MSPID.NAME")
	}
	seen := map[string]bool{}
	for _, known := range o.Orderers {
		if seen[known.Name] {
			in("orderer %s is named twice: name each orderer once, with all of its addresses", known.Name)
		}
		seen[known.Name] = true
	}
	for _, name := range o.Without {
		if seen[name] {
			in("orderer %s is named twice, or both as an orderer of the channel and as gone: remove one", name)
		}
		seen[name] = true
	}
	return faults
}

// without returns why orderers that the operator reports as gone cannot be left out.
func (o Options) without(published []log.Progress) (faults []error) {
	in := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, name := range o.Without {
		i := slices.IndexFunc(published, func(p log.Progress) bool { return o.name(p) == name })
		switch {
		case i < 0:
			in("--without %s: no member of exactly this name has published for this channel, so there is nothing to leave out: correct the name, or remove it", name)
		case published[i].At.IsZero():
			in("--without %s: nothing shows when it last published, since its offset was reset: "+
				"if it is gone, delete its group (kafka-consumer-groups.sh --delete --group %s) and do not name it", name, published[i].Member)
		case o.age(published[i]) <= o.MaxAge:
			in("--without %s: it published %s ago and is not gone: stop it, and wait until that is older than %s", name, o.age(published[i]), o.MaxAge)
		}
	}
	return faults
}

func (o Options) age(p log.Progress) time.Duration { return o.Now.Sub(p.At).Truncate(time.Second) }

// obstacles returns why an orderer of the channel may still need any record.
func (o Options) obstacles(bounds log.Bounds, p log.Progress, c Channel) (faults []error) {
	in := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	name := o.name(p)
	switch age := o.age(p); {
	case p.At.IsZero():
		in("orderer %s: its group is at offset %d, which it has not committed itself (kafka-consumer-groups.sh --reset-offsets does that): "+
			"restart the orderer, which commits again", name, p.Next)
		return faults // the orderer did not publish the rest either
	case age.Abs() > o.MaxAge:
		in("orderer %s published %s ago that it was at offset %d, want within %s: start it, or correct its clock; "+
			"name it with --without instead if it is gone", name, age, p.Next, o.MaxAge)
	}
	if p.Next < 0 || p.Next > bounds.End {
		in("orderer %s continues at offset %d, but the topic ends at %d: it reads another topic", name, p.Next, bounds.End)
	}
	switch p.Rules {
	case "strict":
	case "undescribed": // it has ordered nothing yet
		if p.Next != 0 {
			in("orderer %s has read %d records and knows no rules: restart it, and wait for its CheckInterval (30s by default)", name, p.Next)
		}
	case "":
		in("orderer %s does not publish by which rules it reads: update it to a release that does, and wait for its CheckInterval (30s by default)", name)
	default:
		in("orderer %s reads by the %s rules: in-tree orderers may share the topic; they may need any record, and publish nothing. "+
			"Once they are gone, `osnkafka upgrade-rules` upgrades the channel to the strict rules, from the next block on", name, p.Rules)
	}
	switch {
	case p.ConfigSeq > c.ConfigSeq:
		in("orderer %s is at config sequence %d, and the config block is of %d: fetch the channel's newest config block", name, p.ConfigSeq, c.ConfigSeq)
	case p.ConfigSeq == c.ConfigSeq && p.Config != c.Config:
		in("orderer %s has another config of sequence %d than the config block: that is another network's, fetch it from an orderer of this channel", name, c.ConfigSeq)
	}
	return faults
}

// Refusal is the error if nothing may be deleted: all reasons, and what was published.
type Refusal struct {
	Reasons   []error
	published []log.Progress
	options   Options
}

func (r Refusal) Error() string {
	var b strings.Builder
	for _, reason := range r.Reasons {
		fmt.Fprintf(&b, "\n  - %v", reason)
	}
	if len(r.published) == 0 {
		fmt.Fprintf(&b, "\nNo orderer has published for this channel under the prefix %q.", r.options.Prefix)
		return b.String()
	}
	b.WriteString("\nThese have published:\n")
	b.WriteString(r.options.table(r.published))
	return strings.TrimRight(b.String(), "\n")
}

// Unwrap returns the reasons.
func (r Refusal) Unwrap() error { return errors.Join(r.Reasons...) }

// Table returns the published progress of the channel's orderers as text.
func (p Plan) Table(o Options) string { return o.table(p.Orderers) }

func (o Options) table(published []log.Progress) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-50s %10s %10s %12s  %s\n", "ORDERER", "BLOCK", "OFFSET", "RULES", "PUBLISHED")
	for _, q := range published {
		age := "by another client"
		if !q.At.IsZero() {
			age = o.age(q).String() + " ago"
		}
		fmt.Fprintf(&b, "%-50s %10d %10d %12s  %s\n", o.name(q), q.Block, q.Next, cmp.Or(q.Rules, "unknown"), age)
	}
	return b.String()
}
