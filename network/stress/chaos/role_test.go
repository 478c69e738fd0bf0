package chaos

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/network/apache"
	"github.com/fabric-kafka/orderer/network/stress/history"
)

// frozen is the set of suspended processes.
type frozen []string

func (f *frozen) Pause(name string) error { *f = append(*f, name); return nil }

func (f *frozen) Continue(name string) error {
	*f = slices.DeleteFunc(*f, func(n string) bool { return n == name })
	return nil
}

// If a role moves between the first answer and suspending its process, it is searched
// again; only the process that has the role in the end stays suspended.
func TestFreeze(t *testing.T) {
	away := errors.New("nobody knows")
	for _, c := range []struct {
		name   string
		role   history.Role
		picks  []string // answers before suspending, try by try; the last one repeats
		holds  []string // answers afterwards; empty for no answer
		want   string
		holder string
	}{
		{"it stays", history.Leader, []string{"a"}, []string{"a"}, "a", "a"},
		{"it moves once", history.Leader, []string{"a", "b"}, []string{"b", "b"}, "b", "b"},
		{"it moves at every try", history.Leader, []string{"a"}, []string{"b"}, "", ""},
		{"no answer at first", history.Leader, []string{"", "a"}, []string{"a"}, "a", "a"},
		{"the others do not answer at first", history.Leader, []string{"a"}, []string{"", "a"}, "a", "a"},
		{"never an answer", history.Leader, []string{""}, []string{"a"}, "", ""},
		{"a follower", history.Follower, []string{"a"}, []string{"b"}, "a", "b"},
		{"a follower that is elected", history.Follower, []string{"a", "c"}, []string{"a", "b"}, "c", "b"},
	} {
		var still frozen
		next := func(all *[]string) (string, error) {
			name := (*all)[0]
			if len(*all) > 1 {
				*all = (*all)[1:]
			}
			if name == "" {
				return "", away
			}
			return name, nil
		}
		fits := same
		if c.role == history.Follower {
			fits = other
		}
		target, holder, err := roleSearch{
			role:  c.role,
			pick:  func() (string, error) { return next(&c.picks) },
			asked: func(string) (string, error) { return next(&c.holds) },
			fits:  fits,
			pause: func(context.Context) error { return nil },
		}.freeze(t.Context(), &still)
		if target != c.want || holder != c.holder || (err == nil) == (c.want == "") {
			t.Errorf("%s: got %q, held by %q, %v; want %q, held by %q", c.name, target, holder, err, c.want, c.holder)
		}
		if left := strings.Join(still, ","); left != c.want {
			t.Errorf("%s: %q stands still, want %q", c.name, left, c.want)
		}
	}
}

// A run is over when its time is over and each fault was injected, or when the requested
// number was injected.
func TestOver(t *testing.T) {
	end := time.Now()
	for _, c := range []struct {
		rounds, done int
		late         bool
		want         bool
	}{
		{0, 0, false, false}, {0, 0, true, false}, {0, 2, true, false}, {0, 3, false, false}, {0, 3, true, true},
		{1, 0, true, false}, {1, 1, false, true}, {7, 3, true, true}, {7, 6, false, false}, {7, 7, false, true},
	} {
		r := &run{Config: Config{Faults: Faults[:3], Rounds: c.rounds}, done: c.done}
		now := end.Add(-time.Second)
		if c.late {
			now = end
		}
		if got := r.over(end, now); got != c.want {
			t.Errorf("%d of %d rounds of 3 faults, time over: %v; over: %v, want %v", c.done, c.rounds, c.late, got, c.want)
		}
	}
}

// Other roles of a killed process determine how long the wait after its end is, and are
// counted separately.
func TestOtherRoles(t *testing.T) {
	all := []string{"a", "b", "c"}
	const follower, both, least = apache.SessionTimeout, apache.FetchTimeout + apache.ElectionTimeout + apache.SessionTimeout, 0
	for _, c := range []struct {
		role       history.Role
		controller string
		leader     string
		inSync     []string
		text       string
		expected   time.Duration // none: it is not bounded
	}{
		{history.Follower, "c", "b", all, "a follower", follower},
		{history.Follower, "a", "b", all, "a follower and the controller", both},
		{history.Follower, "c", "b", []string{"a", "b"}, "a follower, while another replica was out of sync", least},
		{history.Follower, "c", "b", []string{"b", "c"}, "a follower", follower}, // itself
		{history.Leader, "c", "a", all, "the leader", follower},
		{history.Leader, "a", "a", all, "the leader and the controller", both},
		{history.Controller, "a", "b", all, "the controller", both},
		{history.Controller, "a", "a", all, "the controller and the leader", both},
		{history.Controller, "a", "a", []string{"a", "b"}, "the controller and the leader, while another replica was out of sync", least},
	} {
		text := roleText(c.role) + otherRoles(c.role, "a", c.controller, partition{c.leader, all, c.inSync})
		d, ok := expected("kill broker, " + text)
		if text != c.text || d != c.expected || ok != (c.expected > 0) {
			t.Errorf("%+v: got %q, %v, %v", c, text, d, ok)
		}
	}
	if _, ok := expected("kill orderer"); ok {
		t.Error("Kafka's settings bound the kill of an orderer")
	}
}
