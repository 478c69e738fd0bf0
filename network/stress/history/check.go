package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Report is the result of [Check].
type Report struct {
	Submitted, Acknowledged, Refused, Unknown int

	Faults   []string       // that were injected
	Heights  map[string]int // blocks of each orderer
	Ordered  int            // of the submitted envelopes, by the first orderer
	Broken   []string       // promises, with an example each
	Gap      time.Duration  // longest time in which no client was acknowledged
	GapAt    time.Time      // its start
	OneGap   time.Duration  // longest time in which one client was not, though it fails over to other orderers
	OneGapAt time.Time

	After map[string]Wait // the same after faults of each kind
}

// Wait is what clients had to wait after the faults of a kind.
type Wait struct {
	Faults  int
	Longest time.Duration // of one client, until it was acknowledged again
	At      time.Time     // its start
}

// Sound reports whether every promise was kept.
func (r Report) Sound() bool { return len(r.Broken) == 0 }

// envelope is what the history holds of an envelope.
type envelope struct {
	client   int
	sent     time.Time
	answered time.Time
	answer   What
	text     string
}

// chain is the blocks of an orderer, in their order.
type chain struct {
	name   string
	blocks []Event
	at     map[string][]int // where each envelope is
}

// Check looks for broken promises: an acknowledged envelope is missing; an envelope is
// duplicated, or no client sent it; a block differs between two orderers; an envelope that
// was acknowledged before its client sent another is ordered after that one; an envelope
// is ordered though an orderer denied it. A history in which nothing was acknowledged, or
// requested faults did not happen, proves nothing, so it is not sound either.
func Check(events []Event) Report {
	r := Report{Heights: map[string]int{}}
	envelopes, chains := r.gather(events)
	run := r.complete(events, chains)
	r.proof(run, events)
	if len(chains) == 0 {
		r.broken("the history has no blocks: the run did not complete")
		return r
	}
	for _, c := range chains {
		r.Heights[c.name] = len(c.blocks)
		r.chained(c)
		r.fates(c, envelopes)
		r.duplicates(c, envelopes, run.Height)
	}
	r.equal(chains)
	r.inOrder(chains[0], envelopes)
	r.gaps(envelopes, events)
	return r
}

func (r *Report) broken(format string, args ...any) {
	r.Broken = append(r.Broken, fmt.Sprintf(format, args...))
}

func (r *Report) gather(events []Event) (map[string]*envelope, []*chain) {
	envelopes, chains := map[string]*envelope{}, map[string]*chain{}
	var order []*chain
	for _, e := range events {
		switch e.What {
		case Submitted:
			r.Submitted++
			if envelopes[e.ID] != nil {
				r.broken("envelope %s was submitted twice: the history cannot be used", e.ID)
			}
			envelopes[e.ID] = &envelope{client: e.Client, sent: e.At}
		case Acknowledged, Refused, Unknown:
			r.answer(envelopes[e.ID], e)
		case Fault:
			r.Faults = append(r.Faults, e.Text)
		case Block:
			c := chains[e.Orderer]
			if c == nil {
				c = &chain{name: e.Orderer, at: map[string][]int{}}
				chains[e.Orderer] = c
				order = append(order, c)
			}
			for i, id := range e.IDs {
				c.at[id] = append(c.at[id], len(c.blocks)<<20|i)
			}
			c.blocks = append(c.blocks, e)
		}
	}
	r.count(envelopes)
	return envelopes, order
}

// answer records the one answer to a submitted envelope.
func (r *Report) answer(sent *envelope, e Event) {
	switch {
	case sent == nil:
		r.broken("envelope %s was answered (%s) before anybody submitted it", e.ID, e.What)
	case sent.answer != "":
		r.broken("envelope %s was answered twice: %s, then %s", e.ID, sent.answer, e.What)
	default:
		sent.answer, sent.answered, sent.text = e.What, e.At, e.Text
	}
}

func (r *Report) count(envelopes map[string]*envelope) {
	for _, e := range envelopes {
		switch e.answer {
		case Acknowledged:
			r.Acknowledged++
		case Refused:
			r.Refused++
		default:
			r.Unknown++
		}
	}
}

// chained checks that the blocks form a chain from the genesis block.
func (r *Report) chained(c *chain) {
	for i, b := range c.blocks {
		if b.Number != uint64(i) {
			r.broken("%s has block %d where %d was due", c.name, b.Number, i)
			return
		}
		if b.Header == "" || len(b.IDs) == 0 {
			r.broken("block %d of %s has no hash, or no envelope", b.Number, c.name)
			return
		}
		if i > 0 && b.Previous != c.blocks[i-1].Header {
			r.broken("block %d of %s does not follow its block %d", b.Number, c.name, b.Number-1)
			return
		}
	}
}

// denial is the text by which an orderer promises that an envelope is not ordered.
const denial = "the envelope is not ordered"

// fates checks the fate of each envelope on one orderer.
func (r *Report) fates(c *chain, envelopes map[string]*envelope) {
	var missing, denied []string
	ordered := 0
	for id, e := range envelopes {
		n := len(c.at[id])
		ordered += min(n, 1)
		if e.answer == Acknowledged && n == 0 {
			missing = append(missing, id)
		}
		if e.answer == Refused && strings.Contains(e.text, denial) && n > 0 {
			denied = append(denied, id)
		}
	}
	if r.Ordered == 0 {
		r.Ordered = ordered
	}
	r.brokenFor(c, "were acknowledged and are missing", missing)
	r.brokenFor(c, "were denied, and are ordered", denied)
}

// duplicates looks for duplicated envelopes of any sender, and, in the blocks of the run, for
// envelopes that no client sent.
func (r *Report) duplicates(c *chain, envelopes map[string]*envelope, height uint64) {
	var twice, strange []string
	for id, places := range c.at {
		if len(places) > 1 {
			twice = append(twice, id)
		}
		last := c.blocks[places[len(places)-1]>>20]
		if envelopes[id] == nil && last.Number >= height && !last.Config {
			strange = append(strange, id)
		}
	}
	r.brokenFor(c, "are duplicated", twice)
	r.brokenFor(c, "were sent by no client", strange)
}

// brokenFor reports envelopes of one orderer's blocks, if there are any.
func (r *Report) brokenFor(c *chain, what string, ids []string) {
	if len(ids) > 0 {
		r.broken("on %s %d envelopes %s, %s for one", c.name, len(ids), what, slices.Min(ids))
	}
}

// equal compares the blocks of all orderers.
func (r *Report) equal(chains []*chain) {
	first := chains[0]
	for _, c := range chains[1:] {
		if len(c.blocks) != len(first.blocks) {
			r.broken("%s has %d blocks, %s %d", first.name, len(first.blocks), c.name, len(c.blocks))
		}
		for i := range min(len(c.blocks), len(first.blocks)) {
			if a, b := first.blocks[i], c.blocks[i]; a.Header != b.Header || !slices.Equal(a.IDs, b.IDs) {
				r.broken("block %d of %s is not that of %s", a.Number, first.name, c.name)
				break
			}
		}
	}
}

// inOrder looks for a client's envelope that was sent after another was
// acknowledged, and is ordered before it.
func (r *Report) inOrder(c *chain, envelopes map[string]*envelope) {
	byClient := map[int][]string{}
	for id := range envelopes {
		if len(c.at[id]) > 0 {
			byClient[envelopes[id].client] = append(byClient[envelopes[id].client], id)
		}
	}
	for client, ids := range byClient {
		slices.SortFunc(ids, func(a, b string) int { return envelopes[a].sent.Compare(envelopes[b].sent) })
		last := ""
		for _, id := range ids {
			if last != "" && !envelopes[id].sent.Before(envelopes[last].answered) && c.at[id][0] < c.at[last][0] {
				r.broken("client %d sent %s after %s was acknowledged, and it is ordered before that", client, id, last)
				break
			}
			if envelopes[id].answer == Acknowledged && (last == "" || c.at[id][0] > c.at[last][0]) {
				last = id
			}
		}
	}
}

// String returns the report as text.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults; submitted %d, acknowledged %d, refused %d, unknown %d; ordered %d\n",
		len(r.Faults), r.Submitted, r.Acknowledged, r.Refused, r.Unknown, r.Ordered)
	for _, name := range slices.Sorted(maps.Keys(r.Heights)) {
		fmt.Fprintf(&b, "%-12s %d blocks\n", name, r.Heights[name])
	}
	fmt.Fprintf(&b, "longest time without an acknowledgement: %v for all clients, %v for one that fails over\n",
		r.Gap.Round(time.Millisecond), r.OneGap.Round(time.Millisecond))
	for _, kind := range slices.Sorted(maps.Keys(r.After)) {
		fmt.Fprintf(&b, "  %-32s %3d times; %v for one that fails over\n", kind, r.After[kind].Faults, r.After[kind].Longest.Round(time.Millisecond))
	}
	for _, text := range r.Broken {
		fmt.Fprintf(&b, "BROKEN: %s\n", text)
	}
	if r.Sound() {
		fmt.Fprintln(&b, "nothing lost, nothing duplicated, no fork, order kept")
	}
	return b.String()
}
