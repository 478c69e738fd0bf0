package sim

import "testing"

// The rows of the fault matrix that the simulation shows, each in worlds with
// this fault alone, besides crashes and traffic. The table in
// integration/README.md lists them.

// shows runs worlds of one fault: no invariant may be violated, and everything that
// the row is about must have happened.
func shows(t *testing.T, change func(*Profile), happened ...string) {
	t.Helper()
	p := Profile{Orderers: 3, Steps: 150}
	change(&p)
	seen, sum := map[string]int{}, Result{}
	for seed := range uint64(50) {
		plan := NewPlan(seed, p)
		w := newWorld(p, plan)
		if found := w.attempt(plan.Actions); len(found) > 0 {
			small := Shrink(plan, p, found[0].invariant, 1000)
			t.Fatalf("seed %d: %s: %s\n%s", seed, found[0].invariant, found[0].text, small.Transcript())
		}
		for what, times := range w.happened {
			seen[what] += times
		}
		sum.count(w)
	}
	if sum.Blocks == 0 || sum.Acked == 0 {
		t.Errorf("no blocks or no acknowledgements: %+v", sum)
	}
	for _, what := range happened {
		if seen[what] == 0 {
			t.Errorf("%q never happened", what)
		}
	}
}

func TestRow04AmbiguousAppends(t *testing.T) {
	shows(t, func(p *Profile) { p.Ambiguous = true }, "append after", "append late")
}

func TestRow05BrokersAway(t *testing.T) {
	shows(t, func(p *Profile) { p.Outages = true }, "cut-off", "rejoin")
}

func TestRow10TrimmedAndPulled(t *testing.T) {
	shows(t, func(p *Profile) { p.Losses, p.Restarts, p.Updates, p.Outages = true, true, true, true }, "trim", "pull")
}

func TestRow18KilledBetweenProduceAndAnswer(t *testing.T) {
	shows(t, func(p *Profile) { p.Restarts = true }, "crash before-produce", "crash after-produce")
}

func TestRow19KilledBetweenConsumeAndBlock(t *testing.T) {
	shows(t, func(p *Profile) { p.Restarts = true }, "crash after-consume", "crash before-block")
}

func TestRow20KilledAfterTheBlock(t *testing.T) {
	shows(t, func(p *Profile) { p.Restarts, p.Updates = true, true }, "crash after-block", "crash after-config")
}

func TestRow21KilledBetweenStaleConfigAndItsCopy(t *testing.T) {
	shows(t, func(p *Profile) { p.Restarts, p.Updates, p.Steps = true, true, 500 }, "crash before-resubmit", "crash after-resubmit")
}

func TestRow23DiskFull(t *testing.T) {
	shows(t, func(p *Profile) { p.Disks, p.Restarts = true, true }, "disk-full", "disk-low")
}

func TestRow26Clocks(t *testing.T) {
	shows(t, func(p *Profile) { p.Clocks, p.Updates = true, true }, "tick", "fire")
}

func TestRow28OneOrdererCutOff(t *testing.T) {
	shows(t, func(p *Profile) { p.Outages, p.Updates = true, true }, "cut-off")
}

func TestRow35Garbage(t *testing.T) {
	shows(t, func(p *Profile) { p.Forgeries = true }, "forge")
}

func TestRow38Replays(t *testing.T) {
	shows(t, func(p *Profile) { p.Repeats, p.Updates = true, true }, "repeat")
}

func TestRow39ForgedSequencesAndClasses(t *testing.T) {
	shows(t, func(p *Profile) { p.Forgeries, p.Updates, p.Restarts = true, true, true }, "forge")
}

func TestRow40StrayTimeToCuts(t *testing.T) {
	shows(t, func(p *Profile) { p.Strays, p.Restarts = true, true }, "stray")
}

func TestRow42TimeToCutRacesWithFullBatch(t *testing.T) {
	shows(t, func(p *Profile) { p.Strays, p.Clocks = true, true }, "stray", "fire")
}

func TestRow43TimeToCutFails(t *testing.T) {
	shows(t, func(p *Profile) { p.FailsAt = true }, "append before")
}

func TestRow44TimersOfDifferentSpeed(t *testing.T) {
	shows(t, func(p *Profile) { p.Clocks, p.Restarts = true, true }, "fire")
}

func TestRow45ConfigRacesWithTraffic(t *testing.T) {
	shows(t, func(p *Profile) { p.Updates, p.Restarts, p.Ambiguous, p.Steps = true, true, true, 500 }, "update", "crash before-config")
}

func TestRow46ConfigInMidBatch(t *testing.T) {
	shows(t, func(p *Profile) { p.Updates = true }, "update")
}

func TestRow47ConflictingConfigs(t *testing.T) {
	shows(t, func(p *Profile) { p.Updates, p.FailsAt = true, true }, "conflict")
}

func TestRow53LateJoiners(t *testing.T) {
	shows(t, func(p *Profile) { p.Restarts, p.Updates, p.Forgeries = true, true, true }, "join")
}

func TestRow59SlowConsumers(t *testing.T) {
	shows(t, func(p *Profile) { p.Outages, p.Restarts = true, true }, "elect", "audit", "cut-off")
}

// Leaders that lack acknowledged records of every kind, which no orderer had read.
func TestRow14LostBeforeItWasRead(t *testing.T) {
	shows(t, func(p *Profile) { p.Unclean, p.Updates, p.Restarts, p.Steps = true, true, true, 300 },
		"lost description", "lost time-to-cut", "lost config", "lost envelope")
}

// Orderers of builds that support different levels.
func TestOlderBuilds(t *testing.T) {
	shows(t, func(p *Profile) { p.Builds, p.Updates, p.Restarts = true, true, true }, "enable", "unknown")
}
