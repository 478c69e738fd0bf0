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

// sound returns a run with a fault: two clients, two orderers, an envelope that was
// refused and one of unknown fate that was ordered. There were three blocks before
// the run.
func sound() []Event {
	events := []Event{
		{At: at(0), What: Began, Orderers: []string{"o1", "o2"}, Height: 3, Faults: []string{"leader-kill"}},
		{At: at(0), What: Submitted, ID: "a", Client: 1}, {At: at(5), What: Acknowledged, ID: "a"},
		{At: at(6), What: Submitted, ID: "b", Client: 1}, {At: at(9), What: Acknowledged, ID: "b"},
		{At: at(7), What: Submitted, ID: "c", Client: 2}, {At: at(8), What: Refused, ID: "c", Text: "503: " + denial},
		{At: at(10), What: Submitted, ID: "d", Client: 2}, {At: at(11), What: Unknown, ID: "d"},
		{At: at(20), What: Fault, Text: "kill broker1, the leader", Role: Leader, Target: "broker1", Holder: "broker1"},
		{At: at(30), What: Done, Text: "leader-kill"},
		{At: at(900), What: Submitted, ID: "e", Client: 1}, {At: at(909), What: Acknowledged, ID: "e"},
		{At: at(930), What: Submitted, ID: "g", Client: 2}, {At: at(931), What: Acknowledged, ID: "g"},
		{At: at(940), What: Ended},
	}
	for _, name := range []string{"o1", "o2"} {
		events = append(events,
			Event{What: Block, Orderer: name, Number: 0, Header: "h0", IDs: []string{"genesis"}, Config: true},
			Event{What: Block, Orderer: name, Number: 1, Previous: "h0", Header: "h1", IDs: []string{"before", "the run"}},
			Event{What: Block, Orderer: name, Number: 2, Previous: "h1", Header: "h2", IDs: []string{"policies"}, Config: true},
			Event{What: Block, Orderer: name, Number: 3, Previous: "h2", Header: "h3", IDs: []string{"a", "b"}},
			Event{What: Block, Orderer: name, Number: 4, Previous: "h3", Header: "h4", IDs: []string{"limits"}, Config: true},
			Event{What: Block, Orderer: name, Number: 5, Previous: "h4", Header: "h5", IDs: []string{"d", "e", "g"}})
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
	events := slices.DeleteFunc(sound(), func(e Event) bool { return e.What == Ended })
	r := Check(append(events,
		Event{At: at(950), What: Submitted, ID: "f", Client: 1}, Event{At: at(1000), What: Submitted, ID: "h", Client: 3},
		Event{At: at(60_000), What: Ended}))
	if r.OneGap != at(60_000).Sub(at(909)) && r.OneGap != at(60_000).Sub(at(931)) || r.Gap != at(60_000).Sub(at(1000)) {
		t.Errorf("gaps %v, %v at %v", r.Gap, r.OneGap, r.OneGapAt)
	}
}

// A wait counts for the fault before its end, and faults by what was done, not to whom.
func TestWaitsAreAttributedToFaults(t *testing.T) {
	events := append(sound(),
		Event{At: at(950), What: Fault, Text: "kill broker22, the leader"}, Event{At: at(1000), What: Fault, Text: "kill broker3"},
		Event{At: at(1001), What: Submitted, ID: "f", Client: 1}, Event{At: at(1009), What: Acknowledged, ID: "f"})
	want := map[string]Wait{"kill broker": {1, 69 * time.Millisecond, at(940)}, "kill broker, the leader": {2, 924 * time.Millisecond, at(7)}}
	if got := Check(events).After; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
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
