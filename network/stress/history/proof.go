package history

import (
	"maps"
	"slices"
)

// complete checks that the history is complete: of one run, with the blocks of every
// orderer; and that no process ended by itself. It returns the event that began the run.
func (r *Report) complete(events []Event, chains []*chain) (run Event) {
	times := map[What]int{}
	for _, e := range events {
		times[e.What]++
		switch e.What {
		case Began:
			run = e
		case Died:
			r.broken("%s ended by itself", e.Text)
		case Panicked:
			r.broken("%s", e.Text)
		}
	}
	if times[Began] != 1 || times[Ended] != 1 || events[0].What != Began {
		r.broken("the history has %d beginnings and %d ends: the run was cut short, or it is none, or more than one", times[Began], times[Ended])
	}
	r.orderers(run, chains)
	return run
}

// orderers compares the orderers that have blocks with those that the run began with.
func (r *Report) orderers(run Event, chains []*chain) {
	with := map[string]*chain{}
	for _, c := range chains {
		with[c.name] = c
	}
	if len(run.Orderers) == 0 {
		r.broken("the history names no orderers that the run began with")
	}
	for _, name := range run.Orderers {
		switch c := with[name]; {
		case c == nil:
			r.broken("the history has no blocks of %s", name)
		case uint64(len(c.blocks)) <= run.Height:
			r.broken("%s has %d blocks, the run began with %d", name, len(c.blocks), run.Height)
		}
		delete(with, name)
	}
	for _, name := range slices.Sorted(maps.Keys(with)) {
		r.broken("the history has blocks of %s, which the run did not begin with", name)
	}
}

// proof checks that the run proves something: envelopes were acknowledged, also after
// the last fault, and each requested fault was injected into a process of its role.
func (r *Report) proof(run Event, events []Event) {
	if r.Acknowledged == 0 {
		r.broken("no envelope was acknowledged: the run proves nothing")
	}
	done, hit, after := map[string]int{}, 0, 0
	for _, e := range events {
		switch e.What {
		case Acknowledged:
			after++
		case Fault:
			hit++
			r.role(e)
		case Done:
			if hit == 0 {
				r.broken("%s was injected, but hit no process", e.Text)
			}
			done[e.Text]++
			hit, after = 0, 0
		}
	}
	if len(done) > 0 && after == 0 && r.Acknowledged > 0 {
		r.broken("no envelope was acknowledged after the last fault")
	}
	r.injected(run, done)
}

// role checks that the target of a fault had the role that it was chosen for.
func (r *Report) role(e Event) {
	switch {
	case e.Role == "":
	case e.Target == "" || e.Holder == "" || (e.Role == Follower) == (e.Target == e.Holder):
		r.broken("%q hit %q for its role, and %q had it", e.Text, e.Target, e.Holder)
	}
}

// injected checks that each requested fault was injected, or the requested number of them.
func (r *Report) injected(run Event, done map[string]int) {
	total := 0
	for _, n := range done {
		total += n
	}
	switch {
	case len(run.Faults) == 0:
		r.broken("the history names no faults that were requested")
	case total < run.Rounds:
		r.broken("%d faults were injected, %d were requested", total, run.Rounds)
	}
	for name := range done {
		if !slices.Contains(run.Faults, name) {
			r.broken("%s was injected, and was not requested", name)
		}
	}
	for _, name := range run.Faults {
		if done[name] == 0 && run.Rounds == 0 {
			r.broken("%s was requested, and was not injected", name)
		}
	}
}
