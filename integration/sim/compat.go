package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
)

// defect is something that the compatible rules do to a channel; counted in runs that show it.
type defect string

const (
	forked   defect = "fork"
	twice    defect = "ordered twice"
	lost     defect = "acked and lost"
	differs  defect = "metadata differs"
	ended    defect = "chain stopped"
	neverCut defect = "never cut"
)

var defects = []defect{forked, twice, lost, differs, ended, neverCut}

// row is a set of faults, and the defects that in-tree orderers show under them: measured once on the
// real in-tree consenter of Fabric v2.5, in percent of the runs.
type row struct {
	name     string
	profile  Profile
	measured map[defect]float64
}

func rows() []row {
	p := Profile{Orderers: 3, Steps: 300, Measured: true}
	with := func(name string, measured map[defect]float64, change func(*Profile)) row {
		q := p
		change(&q)
		return row{name, q, measured}
	}
	return []row{
		with("none", map[defect]float64{}, func(*Profile) {}),
		with("restarts, failing appends", map[defect]float64{}, func(p *Profile) { p.Restarts, p.FailsAt, p.Ambiguous = true, true, true }),
		with("config updates", map[defect]float64{twice: 78.3}, func(p *Profile) { p.Updates = true }),
		with("config updates, restarts", map[defect]float64{forked: 5.1, twice: 79.3, differs: 5.3, ended: 2.2},
			func(p *Profile) { p.Updates, p.Restarts = true, true }),
		with("config updates, appends fail", map[defect]float64{lost: 49.7, differs: 10.5}, func(p *Profile) { p.Updates, p.FailsAt = true, true }),
		with("config updates, appends ambiguous", map[defect]float64{twice: 78, differs: 9.3}, func(p *Profile) { p.Updates, p.Ambiguous = true, true }),
		with("forged time-to-cut", map[defect]float64{ended: 5.3}, func(p *Profile) { p.Strays = true }),
		with("one orderer, appends fail", map[defect]float64{neverCut: 2.3}, func(p *Profile) { p.Orderers, p.FailsAt, p.Persists = 1, true, true }),
	}
}

// kinds are the kinds of orderers that each row is run with.
var kinds = []struct {
	name   string
	change func(*Profile)
}{
	{"in-tree", func(p *Profile) { p.Compatible, p.InTree = true, true }},
	{"ours, compatible", func(p *Profile) { p.Compatible = true }},
	{"ours, strict", func(*Profile) {}},
}

// Compare prints a table: how many of the runs of each row show each defect, for
// in-tree orderers, ours by the compatible rules and ours by the strict ones. It
// fails if the strict rules show any, or if simulated in-tree orderers do not show
// what was measured.
func Compare(ctx context.Context, seeds uint64, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "faults\torderers\t")
	for _, d := range defects {
		fmt.Fprintf(t, "%s\t", d)
	}
	fmt.Fprintln(t)
	var wrong []string
	for _, r := range rows() {
		printRow(t, r.name, "measured, in-tree", r.measured)
		for _, k := range kinds {
			p := r.profile
			k.change(&p)
			rates, err := measure(ctx, p, seeds)
			if err != nil {
				return err
			}
			printRow(t, "", k.name, rates)
			wrong = append(wrong, surprises(r, k.name, rates)...)
		}
	}
	t.Flush()
	fmt.Fprintf(out, "%d runs per line, in percent of them; config updates are 2 in 100 steps\n", seeds)
	if len(wrong) > 0 {
		return fmt.Errorf("not as expected: %v", wrong)
	}
	return nil
}

func printRow(out io.Writer, name, kind string, rates map[defect]float64) {
	fmt.Fprintf(out, "%s\t%s\t", name, kind)
	for _, d := range defects {
		switch rate := rates[d]; rate {
		case 0:
			fmt.Fprint(out, "-\t")
		default:
			fmt.Fprintf(out, "%.1f\t", rate)
		}
	}
	fmt.Fprintln(out)
}

// surprises returns the defects that strict orderers show, and those that in-tree
// ones do not show though they were measured: within a factor of five, since the
// probabilities of the measured runs are not known.
func surprises(r row, kind string, rates map[defect]float64) (wrong []string) {
	for _, d := range defects {
		expected := r.measured[d]
		switch {
		case kind == "ours, strict" && rates[d] > 0:
			wrong = append(wrong, fmt.Sprintf("%s: strict orderers show %q in %.1f %%", r.name, d, rates[d]))
		case kind == "in-tree" && expected > 0 && rates[d] < expected/5:
			wrong = append(wrong, fmt.Sprintf("%s: in-tree orderers show %q in %.1f %%, measured were %.1f %%", r.name, d, rates[d], expected))
		}
	}
	return wrong
}

// measure runs a profile, as many seeds at a time as there are processors, and counts the runs that show each defect,
// in percent.
func measure(ctx context.Context, p Profile, seeds uint64) (map[defect]float64, error) {
	rates := map[defect]float64{}
	var next atomic.Uint64
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range runtime.NumCPU() {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed < seeds && ctx.Err() == nil; seed = next.Add(1) - 1 {
				shown := defectsOf(seed, p)
				mu.Lock()
				for d := range shown {
					rates[d] += 100 / float64(seeds)
				}
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return rates, ctx.Err()
}

// defectsOf plays a seed, lets a minute pass after the faults, and returns the
// defects that the world shows.
func defectsOf(seed uint64, p Profile) (shown map[defect]bool) {
	shown = map[defect]bool{}
	minuteAfter(seed, p).inspect(shown)
	return shown
}

// minuteAfter returns the world of a seed a minute after its faults.
func minuteAfter(seed uint64, p Profile) *World {
	plan := NewPlan(seed, p)
	w := newWorld(p, plan)
	for _, a := range plan.Actions {
		w.play(a)
	}
	w.recover()
	for until := w.now + 60_000; w.now < until; w.now += healStep {
		w.round()
	}
	return w
}

// lastFaults is how many of an orderer's appends may fail after the other faults
// have ended: a timer that is lost then is not recovered.
const lastFaults = 2

// recover ends every fault except the last failing appends.
func (w *World) recover() {
	for _, o := range w.orderers {
		o.cutOff, o.unable, o.breaks, o.crash = false, false, 0, map[Point]int{}
		o.faults = slices.DeleteFunc(o.faults, func(f outcome) bool { return f == gone }) // elections have ended
		if !w.profile.Persists {
			o.faults = o.faults[:min(lastFaults, len(o.faults))]
		}
		if o.diskFull && o.fault != nil {
			o.stop() // an operator frees space and restarts it
		}
		if o.misled {
			o.stop() // an operator corrects the brokers and restarts it
		}
		o.diskFull, o.diskLow, o.misled = false, false, false
		o.boot()
		if w.loss != nil && w.loss.verb == Recreate {
			o.auditNow() // its time-to-cut was lost with the old topic: the periodic check notices that
		}
	}
	for len(w.late) > 0 {
		w.arrive()
	}
	for _, o := range w.orderers {
		for len(o.slow) > 0 {
			s := o.slow[0]
			o.slow = o.slow[1:]
			o.order(s)
		}
	}
}

func (w *World) inspect(shown map[defect]bool) {
	longest := w.orderers[0]
	for _, o := range w.orderers {
		if o.ledger.height() > longest.ledger.height() {
			longest = o
		}
		shown[ended] = shown[ended] || o.fault != nil || o.old != nil && o.old.dead
		shown[neverCut] = shown[neverCut] || o.pending() > 0
	}
	for _, o := range w.orderers {
		compareBlocks(longest.ledger.blocks, o.ledger.blocks, shown)
	}
	copies := map[string]int{}
	for _, b := range longest.ledger.blocks {
		for _, envelope := range b.Envelopes {
			if c, _ := w.read(envelope); c.text != "" {
				copies[c.text]++
			}
		}
	}
	for _, c := range w.calls {
		n := copies[c.text]
		shown[twice] = shown[twice] || c.update == nil && n > 1
		shown[lost] = shown[lost] || c.update == nil && c.answer == acked && n == 0 && !shown[ended] && !shown[neverCut]
	}
	for d, is := range shown {
		if !is {
			delete(shown, d)
		}
	}
}

// compareBlocks looks for the first difference of two ledgers.
func compareBlocks(a, b []stored, shown map[defect]bool) {
	for n := 1; n < min(len(a), len(b)); n++ {
		switch {
		case !equalData(a[n].Envelopes, b[n].Envelopes):
			shown[forked] = true
			return
		case !bytes.Equal(a[n].Metadata, b[n].Metadata):
			shown[differs] = true
		}
	}
}

// pending is how many envelopes wait for a block.
func (o *Orderer) pending() int {
	switch {
	case o.old != nil && !o.old.dead:
		return o.old.machine.Pending()
	case o.live() && o.driver != nil && o.driver.Machine() != nil:
		return o.driver.Machine().Pending()
	}
	return 0
}
