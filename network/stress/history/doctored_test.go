package history

import (
	"slices"
	"strings"
	"testing"
)

// doctored is a sound history with a change.
type doctored []Event

// event returns the first event of a kind, and with a text if that is not empty.
func (d doctored) event(what What, text string) *Event {
	return &d[slices.IndexFunc(d, func(e Event) bool { return e.What == what && (text == "" || e.Text == text || e.ID == text) })]
}

func (d doctored) block(orderer string, number uint64) *Event {
	return &d[slices.IndexFunc(d, func(e Event) bool { return e.What == Block && e.Orderer == orderer && e.Number == number })]
}

// holds puts envelopes into a block of both orderers.
func (d doctored) holds(number uint64, ids ...string) doctored {
	d.block("o1", number).IDs, d.block("o2", number).IDs = ids, ids
	return d
}

func (d doctored) without(drop func(Event) bool) doctored { return slices.DeleteFunc(d, drop) }

func (d doctored) with(e ...Event) doctored { return append(d, e...) }

func is(what What) func(Event) bool { return func(e Event) bool { return e.What == what } }

// promises maps the expected finding to a change of a sound history. Each change breaks
// one rule; the checker has no other rules.
var promises = map[string]func(doctored) doctored{
	"1 envelopes were acknowledged and are missing, b": func(d doctored) doctored { return d.holds(3, "a") },
	"1 envelopes are duplicated, a":                    func(d doctored) doctored { return d.holds(5, "d", "a", "e", "g") },
	"1 envelopes are duplicated, e":                    func(d doctored) doctored { return d.holds(5, "d", "e", "e", "g") },
	"1 envelopes are duplicated, nobody":               func(d doctored) doctored { return d.holds(1, "nobody", "nobody", "nobody") },
	"1 envelopes are duplicated, policies":             func(d doctored) doctored { return d.holds(4, "policies") },
	"1 envelopes were sent by no client, nobody":       func(d doctored) doctored { return d.holds(5, "d", "e", "g", "nobody") },
	"1 envelopes were denied, and are ordered, c": func(d doctored) doctored {
		return d.holds(5, "d", "c", "e", "g")
	},
	"block 5 of o1 is not that of o2":           func(d doctored) doctored { d.block("o2", 5).Header = "other"; return d },
	"block 3 of o1 is not that of o2":           func(d doctored) doctored { d.block("o2", 3).IDs = []string{"b", "a"}; return d },
	"o1 has 6 blocks, o2 5":                     func(d doctored) doctored { return d[:len(d)-1] },
	"block 5 of o1 does not follow":             func(d doctored) doctored { d.block("o1", 5).Previous = "h9"; return d },
	"o1 has block 7 where 5 was due":            func(d doctored) doctored { d.block("o1", 5).Number = 7; return d },
	"block 1 of o2 has no hash, or no envelope": func(d doctored) doctored { d.block("o2", 1).IDs = nil; return d },
	"block 2 of o1 has no hash":                 func(d doctored) doctored { d.block("o1", 2).Header = ""; return d },
	"client 1 sent b after a was acknowledged":  func(d doctored) doctored { return d.holds(3, "b", "a") },
	"orderer7 ended by itself":                  func(d doctored) doctored { return d.with(Event{What: Died, Text: "orderer7"}) },
	"orderer7: panic: send on closed channel": func(d doctored) doctored {
		return d.with(Event{What: Panicked, Text: "orderer7: panic: send on closed channel"})
	},
	"envelope a was submitted twice":                func(d doctored) doctored { return d.with(*d.event(Submitted, "a")) },
	"envelope z was answered (acknowledged) before": func(d doctored) doctored { return d.with(Event{What: Acknowledged, ID: "z"}) },
	"envelope c was answered twice: refused, then acknowledged": func(d doctored) doctored {
		return d.with(Event{What: Acknowledged, ID: "c"})
	},
}

var unproven = map[string]func(doctored) doctored{
	"no envelope was acknowledged: the run proves nothing": func(d doctored) doctored {
		for i := range d {
			if d[i].What == Acknowledged {
				d[i].What = Unknown
			}
		}
		return d
	},
	"no envelope was acknowledged after the last fault": func(d doctored) doctored {
		return d.with(Event{What: Fault, Text: "kill broker2"}, Event{What: Done, Text: "leader-kill"})
	},
	"o1 has block 3 where 0 was due": func(d doctored) doctored {
		return d.without(func(e Event) bool { return e.What == Block && e.Number < 3 })
	},
	"o2 has block 3 where 2 was due": func(d doctored) doctored {
		return d.without(func(e Event) bool { return e.Orderer == "o2" && e.Number == 2 })
	},
	"the history has no blocks: the run":               func(d doctored) doctored { return d.without(is(Block)) },
	"the history has no blocks of o2":                  func(d doctored) doctored { return d.without(func(e Event) bool { return e.Orderer == "o2" }) },
	"o1 has 6 blocks, the run began with 6":            func(d doctored) doctored { d[0].Height = 6; return d },
	"blocks of o2, which the run did not begin with":   func(d doctored) doctored { d[0].Orderers = []string{"o1"}; return d },
	"the history names no orderers":                    func(d doctored) doctored { d[0].Orderers = nil; return d },
	"1 beginnings and 0 ends":                          func(d doctored) doctored { return d.without(is(Ended)) },
	"0 beginnings and 1 ends":                          func(d doctored) doctored { return d[1:] },
	"2 beginnings and 2 ends":                          func(d doctored) doctored { return d.with(*d.event(Began, ""), *d.event(Ended, "")) },
	"0 beginnings and 0 ends":                          func(doctored) doctored { return nil },
	"the history names no faults":                      func(d doctored) doctored { d[0].Faults = nil; return d },
	"orderer-kill was requested, and was not injected": func(d doctored) doctored { d[0].Faults = append(d[0].Faults, "orderer-kill"); return d },
	"leader-kill was requested, and was not injected":  func(d doctored) doctored { return d.without(is(Done)) },
	"1 faults were injected, 2 were requested":         func(d doctored) doctored { d[0].Rounds = 2; return d },
	"broker-kill was injected, and was not requested":  func(d doctored) doctored { d.event(Done, "").Text = "broker-kill"; return d },
	"leader-kill was injected, but hit no process":     func(d doctored) doctored { return d.without(is(Fault)) },
	`hit "broker1" for its role, and "broker2" had it`: func(d doctored) doctored { d.event(Fault, "").Holder = "broker2"; return d },
	`hit "broker1" for its role, and "" had it`:        func(d doctored) doctored { d.event(Fault, "").Holder = ""; return d },
	`hit "broker1" for its role, and "broker1" had it`: func(d doctored) doctored { d.event(Fault, "").Role = Follower; return d },
	`"kill broker1, the leader" hit "" for`:            func(d doctored) doctored { d.event(Fault, "").Target = ""; return d },
}

// TestDoctored: each broken promise, and each run that proves nothing, is reported as
// such.
func TestDoctored(t *testing.T) {
	for _, table := range []map[string]func(doctored) doctored{promises, unproven} {
		for says, doctor := range table {
			r := Check(doctor(sound()))
			if r.Sound() || !strings.Contains(strings.Join(r.Broken, "\n"), says) {
				t.Errorf("got %q, want %q", r.Broken, says)
			}
		}
	}
}
