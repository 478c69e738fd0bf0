package sim

import (
	"fmt"
	"strings"
)

// Result is the outcome of a run.
type Result struct {
	Seed       uint64
	Invariant  string // of the first violation; empty if none
	Text       string
	Blocks     int
	Configs    int
	Records    int
	Acked      int
	Stopped    int
	Left       int // orderers whose channel has left for Raft
	plan       Plan
	violations []violation
}

// Failed reports whether an invariant was violated.
func (r Result) Failed() bool { return r.Invariant != "" }

// Run plays the plan of a seed in a world of the profile.
func Run(seed uint64, p Profile) Result {
	r := Play(NewPlan(seed, p), p)
	r.Seed = seed
	return r
}

// Play plays a plan and checks the world that results.
func Play(plan Plan, p Profile) (r Result) {
	w := newWorld(p, plan)
	r.violations = w.attempt(plan.Actions)
	r.plan = plan
	if len(r.violations) > 0 {
		r.Invariant, r.Text = r.violations[0].invariant, r.violations[0].text
	}
	r.count(w)
	return r
}

func (r *Result) count(w *World) {
	r.Records = len(w.values())
	for _, o := range w.orderers {
		r.Blocks = max(r.Blocks, o.ledger.height()-1)
		r.Configs = max(r.Configs, int(o.ledger.config().seq)-firstSeq)
		if o.fault != nil {
			r.Stopped++
		}
		if o.ledger.config().left() {
			r.Left++
		}
	}
	for _, c := range w.calls {
		if c.answer == acked {
			r.Acked++
		}
	}
}

// attempt plays, heals and checks. A violation during the run ends it.
func (w *World) attempt(actions []Action) (found []violation) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case violation:
			found = []violation{r}
		default:
			panic(r)
		}
	}()
	for _, a := range actions {
		w.play(a)
	}
	w.heal()
	return check(w)
}

// Transcript returns the plan as text, which [ParseTranscript] reads.
func (p Plan) Transcript() string {
	var b strings.Builder
	fmt.Fprintf(&b, "orderers %d\nspeeds", p.Orderers)
	for _, s := range p.Speeds {
		fmt.Fprintf(&b, " %d", s)
	}
	fmt.Fprintln(&b)
	if len(p.Builds) > 0 {
		fmt.Fprintln(&b, "builds", strings.Trim(fmt.Sprint(p.Builds), "[]"))
	}
	for _, a := range p.Actions {
		fmt.Fprintln(&b, a)
	}
	return b.String()
}

// ParseTranscript reads a plan. It skips empty lines and lines that begin with #.
func ParseTranscript(text string) (p Plan, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "orderers"):
			if _, err := fmt.Sscanf(line, "orderers %d", &p.Orderers); err != nil || p.Orderers < 1 {
				return p, fmt.Errorf("orderers %q: want a number above 0", line)
			}
		case strings.HasPrefix(line, "speeds"):
			if p.Speeds, err = numbers[int64](line); err != nil {
				return p, fmt.Errorf("speeds %q: %w", line, err)
			}
		case strings.HasPrefix(line, "builds"):
			if p.Builds, err = numbers[int](line); err != nil {
				return p, fmt.Errorf("builds %q: %w", line, err)
			}
		default:
			a, err := parseAction(line)
			if err != nil {
				return p, err
			}
			p.Actions = append(p.Actions, a)
		}
	}
	if len(p.Speeds) == 0 || p.Orderers == 0 {
		return p, fmt.Errorf("no line with the number of orderers, or with the clocks' speeds")
	}
	return p, nil
}

// numbers returns those after a line's first word.
func numbers[N int | int64](line string) (all []N, err error) {
	for _, field := range strings.Fields(line)[1:] {
		var n N
		if _, err := fmt.Sscan(field, &n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}
