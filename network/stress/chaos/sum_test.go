package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/network/stress/history"
)

var someSettings = Settings{Channel: "mychannel", Brokers: "3 of Apache Kafka 4.4.0", Orderers: "3", Load: "100/s", Faults: []string{"leader-kill"}, Seed: 7}

// began is when the first part began.
var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// recorded returns a run of one client on a channel of this many blocks: each envelope takes
// 10 ms and is a block, except for the one after the fault, which takes that long.
type recorded struct {
	at     time.Time
	height int
	sent   int
	fault  time.Duration
}

// events returns the history of a run on a channel that begins with a block.
func (p recorded) events(genesis string) (events []history.Event) {
	add := func(e history.Event) { events = append(events, e) }
	at := p.at
	add(history.Event{At: at, What: history.Began, Orderers: []string{"o1"}, Height: uint64(p.height), Faults: []string{"leader-kill"}})
	for i := range p.sent {
		took := 10 * time.Millisecond
		if i == p.sent/2 {
			add(history.Event{At: at, What: history.Fault, Text: "kill broker1, the leader", Role: history.Leader, Target: "broker1", Holder: "broker1"})
			took = p.fault
		}
		id := fmt.Sprint(p.height + i)
		add(history.Event{At: at, What: history.Submitted, ID: id, Client: 1})
		at = at.Add(took)
		add(history.Event{At: at, What: history.Acknowledged, ID: id})
		if i == p.sent/2 {
			add(history.Event{At: at, What: history.Done, Text: "leader-kill"})
		}
	}
	add(history.Event{At: at, What: history.Ended})
	for n := range p.height + p.sent {
		b := history.Event{What: history.Block, Orderer: "o1", Number: uint64(n), Header: fmt.Sprint(genesis, n), IDs: []string{fmt.Sprint(n)}, Config: n == 0}
		if n > 0 {
			b.Previous = fmt.Sprint(genesis, n-1)
		}
		events = append(events, b)
	}
	return events
}

func (p recorded) part(genesis string) Part {
	events := p.events(genesis)
	return Part{someSettings, events, history.Check(events)}
}

// added returns a sum of parts.
func added(t *testing.T, parts ...Part) *Sum {
	t.Helper()
	s := &Sum{Format: sumFormat, Version: sumVersion}
	for _, p := range parts {
		if err := s.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Two parts add up to the figures of one run over both.
func TestPartsAddUp(t *testing.T) {
	first := recorded{began, 1, 20, 3 * time.Second}.part("a")
	second := recorded{began.Add(time.Hour), 21, 10, 5 * time.Second}.part("a")
	for _, p := range []Part{first, second} {
		if !p.Report.Sound() {
			t.Fatalf("%v", p.Report.Broken)
		}
	}
	l := added(t, first, second).Lines[0]
	want := Line{Settings: someSettings, Genesis: "a0", Height: 31, Last: "a30", Began: began.Add(time.Hour), Parts: 2, Seconds: 3.19 + 5.09,
		Submitted: 30, Acknowledged: 30, Gap: Longest{5, began.Add(time.Hour + 50*time.Millisecond)},
		OneGap: Longest{5, began.Add(time.Hour + 50*time.Millisecond)},
		After:  map[string]Faulted{"kill broker, the leader": {2, Longest{5, began.Add(time.Hour + 50*time.Millisecond)}}}, Failed: []Failure{}}
	if l.Seconds < want.Seconds-1e-6 || l.Seconds > want.Seconds+1e-6 {
		t.Errorf("%v seconds, want %v", l.Seconds, want.Seconds)
	}
	l.Seconds = want.Seconds
	if !reflect.DeepEqual(*l, want) {
		t.Errorf("got\n%+v, want\n%+v", *l, want)
	}
}

// A part that failed its check is added, and the sum stays failed.
func TestASumStaysFailed(t *testing.T) {
	bad := recorded{began, 1, 20, time.Second}.part("a")
	bad.Events = slices.DeleteFunc(bad.Events, func(e history.Event) bool { return e.What == history.Done })
	bad.Report = history.Check(bad.Events)
	s := added(t, bad, recorded{began.Add(time.Hour), 21, 10, time.Second}.part("a"))
	if l := s.Lines[0]; s.Sound() || len(l.Failed) != 1 || l.Failed[0].Part != 1 || l.Parts != 2 {
		t.Errorf("got %+v", l)
	}
	if text := s.String(); !strings.Contains(text, "BROKEN in part 1 of 2026-01-01T00:00:00Z: leader-kill was requested, and was not injected") || !strings.Contains(text, "FAILED") {
		t.Errorf("it prints\n%s", text)
	}
}

// Other settings have a line of their own; another channel of that name, and a part that
// was added before, are refused, and change nothing.
func TestWhatIsNotAdded(t *testing.T) {
	first := recorded{began, 1, 20, time.Second}.part("a")
	other := recorded{began.Add(time.Hour), 1, 20, time.Second}.part("b")
	other.Settings.Seed = 8
	s := added(t, first, other)
	if len(s.Lines) != 2 || s.Lines[0].Parts != 1 || s.Lines[1].Parts != 1 {
		t.Errorf("got %+v", s.Lines)
	}
	before := s.String()
	for says, p := range map[string]Part{
		"its block 0 of channel":         recorded{began.Add(time.Hour), 1, 40, time.Second}.part("c"),
		"there are 11 blocks":            recorded{began.Add(time.Hour), 1, 10, time.Second}.part("a"),
		"a part that began at":           first,
		"no beginning, no end, or no bl": {Settings: someSettings},
	} {
		if err := s.Add(p); !errors.Is(err, ErrNotAdded) || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
	if s.String() != before {
		t.Errorf("it was\n%s and is\n%s", before, s)
	}
}

// A file that is not a complete sum is refused by name, and not changed.
func TestFilesThatAreNoSum(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	empty, err := ReadSum(file)
	if err != nil || len(empty.Lines) != 0 {
		t.Fatalf("no file: %+v, %v", empty, err)
	}
	s := added(t, recorded{began, 1, 20, time.Second}.part("a"))
	if err := s.Save(file); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if again, failed := ReadSum(file); err != nil || failed != nil || !reflect.DeepEqual(again, s) {
		t.Fatalf("it is read as %+v, %v", again, failed)
	}
	text := string(whole)
	bad := []string{"garbage", "[]", `{"what":"began"}` + "\n", text + text, text + "{",
		strings.Replace(text, `"version": 1`, `"version": 2`, 1), strings.Replace(text, `"acknowledged": 20`, `"acknowledged": 21`, 1),
		strings.Replace(text, `"parts"`, `"pieces"`, 1), strings.Replace(text, `"height"`, `"tall": 1, "height"`, 1)}
	for n := range len(strings.TrimSpace(text)) {
		bad = append(bad, text[:n])
	}
	for _, b := range bad {
		if err := os.WriteFile(file, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadSum(file)
		left, _ := os.ReadFile(file)
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "name another file with --report") || string(left) != b {
			t.Fatalf("%.60q: %v", b, err)
		}
	}
}

// saving is set for the process that TestAKilledRun kills.
const saving = "CHAOS_TEST_SAVES"

// A process that is killed while it writes leaves a complete file.
func TestAKilledRun(t *testing.T) {
	s := added(t, recorded{began, 1, 200, time.Second}.part("a"))
	if file := os.Getenv(saving); file != "" {
		for {
			if err := s.Save(file); err != nil {
				t.Fatal(err)
			}
			s.Lines[0].Height++
		}
	}
	file := filepath.Join(t.TempDir(), "report.json")
	if err := s.Save(file); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		c := exec.Command(os.Args[0], "-test.run=^TestAKilledRun$")
		c.Env = append(os.Environ(), saving+"="+file)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		before := s.Lines[0].Height
		for end := time.Now().Add(time.Minute); s.Lines[0].Height == before && time.Now().Before(end); { // until it writes
			read, err := ReadSum(file)
			if err != nil {
				t.Fatal(err)
			}
			s = read
		}
		time.Sleep(time.Duration(i) * time.Millisecond) // anywhere in a later write
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
		if _, err := ReadSum(file); err != nil {
			t.Fatal(err)
		}
	}
}
