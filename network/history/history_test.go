package history

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

// sound is a run without a fault: two clients, two orderers, an envelope that was
// refused and one of unknown fate that came to be ordered.
func sound() []Event {
	events := []Event{
		{At: at(0), What: Began, Orderers: []string{"o1", "o2"}},
		{At: at(0), What: Submitted, ID: "a", Client: 1}, {At: at(5), What: Acknowledged, ID: "a"},
		{At: at(6), What: Submitted, ID: "b", Client: 1}, {At: at(9), What: Acknowledged, ID: "b"},
		{At: at(7), What: Submitted, ID: "c", Client: 2}, {At: at(8), What: Refused, ID: "c", Text: "503: " + denial},
		{At: at(10), What: Submitted, ID: "d", Client: 2}, {At: at(11), What: Unknown, ID: "d"},
		{At: at(20), What: Fault, Text: "kill broker1"},
		{At: at(900), What: Submitted, ID: "e", Client: 1}, {At: at(909), What: Acknowledged, ID: "e"},
		{At: at(930), What: Submitted, ID: "g", Client: 2}, {At: at(931), What: Acknowledged, ID: "g"},
		{At: at(940), What: Ended},
	}
	for _, name := range []string{"o1", "o2"} {
		events = append(events,
			Event{What: Block, Orderer: name, Number: 4, Previous: "h3", Header: "h4", IDs: []string{"a", "b"}},
			Event{What: Block, Orderer: name, Number: 5, Previous: "h4", Header: "h5", IDs: []string{"d", "config", "e", "g"}})
	}
	return events
}

func TestSound(t *testing.T) {
	r := Check(sound())
	if !r.Sound() || r.Submitted != 6 || r.Acknowledged != 4 || r.Refused != 1 || r.Unknown != 1 || r.Ordered != 5 || len(r.Faults) != 1 {
		t.Errorf("got %+v", r)
	}
	if r.Gap != 900*time.Millisecond || r.OneGap != 924*time.Millisecond || !r.OneGapAt.Equal(at(7)) {
		t.Errorf("gaps %v, %v at %v", r.Gap, r.OneGap, r.OneGapAt)
	}
}

// A client that is never acknowledged again waits until the end, and one that is
// never acknowledged at all from its beginning.
func TestWaitsWithoutAnEnd(t *testing.T) {
	r := Check(append(sound(),
		Event{At: at(950), What: Submitted, ID: "f", Client: 1}, Event{At: at(1000), What: Submitted, ID: "h", Client: 3},
		Event{At: at(60_000), What: Ended}))
	if r.OneGap != at(60_000).Sub(at(909)) && r.OneGap != at(60_000).Sub(at(931)) || r.Gap != at(60_000).Sub(at(1000)) {
		t.Errorf("gaps %v, %v at %v", r.Gap, r.OneGap, r.OneGapAt)
	}
}

// A wait counts for the fault before its end, and faults by what was done, not to whom.
func TestWaitsAreLaidToFaults(t *testing.T) {
	events := append(sound(),
		Event{At: at(950), What: Fault, Text: "kill broker22, the leader"}, Event{At: at(1000), What: Fault, Text: "kill broker3"},
		Event{At: at(1001), What: Submitted, ID: "f", Client: 1}, Event{At: at(1009), What: Acknowledged, ID: "f"})
	want := map[string]Wait{"kill broker": {2, 924 * time.Millisecond}, "kill broker, the leader": {1, 0}}
	if got := Check(events).After; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Each promise that is broken is found, and nothing else is said.
func TestBroken(t *testing.T) {
	block := func(events []Event, orderer string, number uint64) *Event {
		return &events[slices.IndexFunc(events, func(e Event) bool { return e.What == Block && e.Orderer == orderer && e.Number == number })]
	}
	for says, breaks := range map[string]func(e []Event) []Event{
		"1 envelopes were acknowledged and are missing, b": func(e []Event) []Event {
			block(e, "o1", 4).IDs, block(e, "o2", 4).IDs = []string{"a"}, []string{"a"}
			return e
		},
		"1 envelopes are there twice, a": func(e []Event) []Event {
			for _, o := range []string{"o1", "o2"} {
				block(e, o, 5).IDs = []string{"d", "a", "e", "g"}
			}
			return e
		},
		"1 envelopes were said not to be ordered, and are, c": func(e []Event) []Event {
			for _, o := range []string{"o1", "o2"} {
				block(e, o, 5).IDs = []string{"d", "c", "e", "g"}
			}
			return e
		},
		"block 5 of o1 is not that of o2": func(e []Event) []Event { block(e, "o2", 5).Header = "other"; return e },
		"o1 has 2 blocks, o2 1":           func(e []Event) []Event { return e[:len(e)-1] },
		"block 5 of o1 does not follow":   func(e []Event) []Event { block(e, "o1", 5).Previous = "h9"; return e },
		"o1 has block 7 where 5 was due":  func(e []Event) []Event { block(e, "o1", 5).Number = 7; return e },
		"client 1 sent b after a was acknowledged": func(e []Event) []Event {
			for _, o := range []string{"o1", "o2"} {
				block(e, o, 4).IDs = []string{"b", "a"}
			}
			return e
		},
		"submitted twice": func(e []Event) []Event { return append(e, e[1]) },
		"has no blocks":   func(e []Event) []Event { return e[:15] },
		"no blocks of o2": func(e []Event) []Event {
			return slices.DeleteFunc(e, func(e Event) bool { return e.What == Block && e.Orderer == "o2" })
		},
		"orderer7 ended by itself": func(e []Event) []Event { return append(e, Event{What: Died, Text: "orderer7"}) },
		"no end": func(e []Event) []Event {
			return slices.DeleteFunc(e, func(e Event) bool { return e.What == Ended })
		},
		"no beginning": func(e []Event) []Event { return e[1:] },
	} {
		r := Check(breaks(sound()))
		if r.Sound() || !strings.Contains(strings.Join(r.Broken, "\n"), says) {
			t.Errorf("got %q, want %q", r.Broken, says)
		}
	}
}

func TestFile(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file)
	for _, e := range sound() {
		w.Add(e)
	}
	events, err := Read(&file)
	if err != nil || w.Err() != nil || len(events) != len(sound()) || !reflect.DeepEqual(events[0], sound()[0]) {
		t.Errorf("read %d events, %v, %v", len(events), err, w.Err())
	}
	if _, err := Read(strings.NewReader(`{"what":"fault"}` + "\n{")); err == nil || !strings.Contains(err.Error(), "after event 1") {
		t.Errorf("a file that was cut off: %v", err)
	}
}
