package sim

import (
	"math/rand/v2"
	"slices"
)

// Profile selects the worlds that are drawn: how large, and which faults can happen.
type Profile struct {
	Name     string
	Orderers int
	Steps    int

	Compatible bool // the topic has the compatible rules
	InTree     bool // all orderers are in-tree orderers: see intree.go
	Persists   bool // failing appends that were drawn do not end with the other faults
	Mixed      bool // every other orderer is an in-tree orderer
	Measured   bool // as in-tree orderers were measured: fixed probabilities, every envelope is valid

	Updates   bool // config updates, conflicting ones too
	Restarts  bool // crashes at any point, and late joiners
	FailsAt   bool // appends that fail before they reach the log
	Ambiguous bool // appends that fail after they reached the log, or reach it late
	Outages   bool // orderers that are cut off, elections, audits
	Disks     bool // ledgers that cannot store a block
	Repeats   bool // a writer that is not idempotent
	Strays    bool // forged time-to-cut records
	Forgeries bool // forged records of every other kind
	Unclean   bool // leaders that lack unread records
	Losses    bool // the log loses records
	Alone     bool // no orderer joins late, except those that begin adds
	Clocks    bool // clocks of different speeds
	Moves     bool // the channel goes from type kafka to the shared type, and on to Raft
	Builds    bool // orderers of older builds, and updates that only newer builds support
}

// Everything returns the profile of the strict rules under all faults together.
func Everything() Profile {
	return Profile{Name: "everything", Orderers: 3, Steps: 300, Updates: true, Restarts: true, FailsAt: true, Ambiguous: true,
		Outages: true, Disks: true, Repeats: true, Strays: true, Forgeries: true, Unclean: true, Losses: true, Clocks: true, Builds: true, Moves: true}
}

// Plan is a run that was drawn: the orderers, their clocks and builds, and the actions.
type Plan struct {
	Orderers int // at the start
	Speeds   []int64
	Builds   []int // levels that the orderers support; empty: all support all
	Actions  []Action
}

// weighted is a verb and how often it is drawn.
type weighted struct {
	verb   Verb
	weight float64
}

// NewPlan draws the run of a seed. The probabilities of the faults are drawn first, so
// that some worlds have many of one fault and none of another.
func NewPlan(seed uint64, p Profile) Plan {
	rng := rand.New(rand.NewPCG(seed, 0x6b61666b61))
	plan := Plan{Orderers: p.Orderers, Actions: make([]Action, 0, p.Steps), Speeds: make([]int64, p.Orderers+2)}
	if !p.Measured && rng.IntN(6) == 0 {
		plan.Orderers = 1 + rng.IntN(3)/2 // no other orderer makes up for what one omits
	}
	for i := range plan.Speeds {
		plan.Speeds[i] = 100
		if p.Clocks && rng.IntN(2) == 0 {
			plan.Speeds[i] = []int64{10, 50, 90, 110, 300, 1000}[rng.IntN(6)]
		}
	}
	if p.Builds && rng.IntN(3) == 0 {
		plan.Builds = make([]int, len(plan.Speeds))
		for i := range plan.Builds {
			plan.Builds[i] = rng.IntN(newest + 1)
		}
	}
	if plan.Orderers == 1 {
		p.Alone = true
	}
	verbs, total := draw(rng, p)
	if p.Measured {
		verbs, total = fixed(p)
	}
	for range p.Steps {
		x := rng.Float64() * total
		i := 0
		for ; x > verbs[i].weight; i++ {
			x -= verbs[i].weight
		}
		plan.Actions = append(plan.Actions, fill(rng, verbs[i].verb, p))
	}
	if p.Losses && rng.IntN(6) == 0 {
		at := p.Steps*2/3 + rng.IntN(p.Steps/3)
		verb := []Verb{Trim, CutTail, Recreate}[rng.IntN(3)]
		plan.Actions = slices.Insert(plan.Actions, at, fill(rng, verb, p))
	}
	if p.Moves {
		plan.move(rand.New(rand.NewPCG(seed, 0x6d6f7665)))
	}
	if p.Losses {
		plan.begin(rand.New(rand.NewPCG(seed, 0x626567696e)))
	}
	return plan
}

// move adds updates to the next stages to some runs. It has a random source of its own, like begin.
func (p *Plan) move(rng *rand.Rand) {
	if rng.IntN(6) > 0 {
		return
	}
	for range 1 + rng.IntN(6*stageLeft) { // most fail, as an orderer is down or has an older config
		at := rng.IntN(len(p.Actions))
		p.Actions = slices.Insert(p.Actions, at, Action{Verb: Advance, Orderer: rng.IntN(p.Orderers), C: oneIn(rng, 4)})
	}
}

// begin adds orderers that have only the genesis block, before the topic is recreated or
// in another cluster: to them the channel looks new. It has a random source of its own,
// so that the rest of a run is the same without it.
func (p *Plan) begin(rng *rand.Rand) {
	newcomer := Action{Verb: Join, Orderer: rng.IntN(p.Orderers)}
	if lost := slices.IndexFunc(p.Actions, func(a Action) bool { return a.Verb == Recreate }); lost >= 0 && rng.IntN(2) == 0 {
		p.Actions[lost].B, p.Actions[lost].C = 0, 0
		p.Actions = slices.Insert(p.Actions, lost, newcomer)
	}
	if rng.IntN(6) == 0 {
		at := rng.IntN(len(p.Actions))
		p.Actions = slices.Insert(p.Actions, at, newcomer, Action{Verb: Mislead, Orderer: rng.IntN(p.Orderers), A: rng.IntN(2)})
	}
}

// draw gives each verb of the profile its weight in this run.
func draw(rng *rand.Rand, p Profile) (verbs []weighted, total float64) {
	add := func(on bool, weight float64, all ...Verb) {
		for _, v := range all {
			if !on {
				continue
			}
			w := weight * []float64{0, 0.3, 1, 1, 3}[rng.IntN(5)]
			if v == Submit || v == Deliver || v == Tick || v == Fire || v == Boot || v == Rejoin {
				w = weight // nothing happens without them
			}
			verbs = append(verbs, weighted{v, w})
			total += w
		}
	}
	add(true, 100, Submit)
	add(true, 110, Deliver)
	add(true, 30, Tick, Fire)
	add(true, 6, Append)
	add(p.Updates, 4, Update)
	add(p.Updates, 2, Conflict)
	add(p.Builds, 1, Enable)
	add(p.Restarts, 3, Crash, CrashAt)
	add(p.Restarts, 8, Boot)
	add(p.Restarts && !p.Alone, 1, Join)
	add(p.FailsAt || p.Ambiguous || p.Unclean, 6, Fault)
	add(p.Ambiguous, 3, Arrive)
	add(p.Outages, 2, CutOff, Elect, Audit, Deaf)
	add(p.Outages, 6, Rejoin)
	add(p.Outages, 3, Break)
	add(p.Outages, 1, Unable)
	add(p.Disks, 0.5, DiskFull)
	add(p.Disks, 4, DiskLow)
	add(p.Repeats, 4, Repeat)
	add(p.Strays, 4, Stray)
	add(p.Forgeries, 8, Forge)
	add(p.Unclean, 5, Forget)
	return verbs, total
}

// fixed gives each verb of the profile the weight that in-tree orderers were measured
// with, as far as that is known: config updates are 2 in 100 steps.
func fixed(p Profile) (verbs []weighted, total float64) {
	verbs = []weighted{{Submit, 35}, {Deliver, 42}, {Tick, 10}, {Fire, 10}}
	for _, v := range []struct {
		on bool
		weighted
	}{
		{p.Updates, weighted{Update, 2}}, {p.Restarts, weighted{Crash, 1}}, {p.Restarts, weighted{CrashAt, 1}}, {p.Restarts, weighted{Boot, 4}},
		{p.FailsAt || p.Ambiguous, weighted{Fault, 5}}, {p.Ambiguous, weighted{Arrive, 2}}, {p.Strays, weighted{Stray, 0.1}},
	} {
		if v.on {
			verbs = append(verbs, v.weighted)
		}
	}
	for _, v := range verbs {
		total += v.weight
	}
	return verbs, total
}

// fill draws the numbers of an action.
func fill(rng *rand.Rand, v Verb, p Profile) Action {
	a := Action{Verb: v, Orderer: rng.IntN(p.Orderers + 2)}
	if p.Measured {
		a.Orderer = rng.IntN(p.Orderers)
	}
	switch v {
	case Submit:
		a.A, a.B = rng.IntN(100), rng.IntN(120)
		if rng.IntN(12) == 0 {
			a.B = 150 + rng.IntN(900)
		}
		if !p.Measured {
			a.C = oneIn(rng, 8)
		}
	case Update, Conflict:
		a.A, a.B, a.C = rng.IntN(len(keys)), rng.IntN(100), oneIn(rng, 3)
		if rng.IntN(3) == 0 {
			a.A = 0
		}
		if p.Measured {
			a.A, a.B, a.C = 0, 0, 0
		}
	case Enable:
		a.A, a.C = 1+rng.IntN(newest), oneIn(rng, 3)
	case Deliver:
		a.A = 1 + rng.IntN(8)
	case Tick:
		a.A = 20 + rng.IntN(400)
	case CrashAt:
		a.A, a.B = rng.IntN(len(points)), 1+rng.IntN(4)
	case Join, Repeat, Trim, CutTail, Recreate:
		a.A, a.B, a.C = rng.IntN(1001), rng.IntN(40), rng.IntN(2)
		if v.destructive() && rng.IntN(2) == 0 {
			a.A = 900 + rng.IntN(101) // near the end, where the orderers read
		}
	case Forget:
		a.A, a.B, a.C = rng.IntN(6), batchTimeout*rng.IntN(2), oneIn(rng, 2)
	case Break:
		a.A = rng.IntN(12)
	case Fault:
		a.A = p.outcome(rng)
	case Stray:
		a.A = []int{-1000000, -2, -1, 0, 0, 0, 1, 2, strayMax}[rng.IntN(9)]
	case Forge:
		a.A, a.B, a.C = rng.IntN(1000), []int{0, 0, 0, -1, -1, 1, 1 << 20, -100}[rng.IntN(8)], rng.IntN(1000)
	}
	return a
}

func (p Profile) outcome(rng *rand.Rand) int {
	switch {
	case p.Unclean && (!p.FailsAt && !p.Ambiguous || rng.IntN(4) == 0):
		return 3
	case !p.Ambiguous:
		return 0
	case !p.FailsAt:
		return 1 + rng.IntN(2)
	}
	return rng.IntN(3)
}

func oneIn(rng *rand.Rand, n int) int {
	if rng.IntN(n) == 0 {
		return 1
	}
	return 0
}
