package bench

import (
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, x := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{4}, Spread{4, 4, 4, 1}},
		{[]float64{9, 1, 5}, Spread{5, 1, 9, 3}},
		{[]float64{9, 1, 5, 3}, Spread{4, 1, 9, 4}},
	} {
		if got := SpreadOf(x.values); got != x.want {
			t.Errorf("the spread of %v is %+v, want %+v", x.values, got, x.want)
		}
	}
}

// The machine became twice as slow after the first round: the medians' ratio is off, that of the rounds is not.
func TestRatiosAreTakenWithinRounds(t *testing.T) {
	a := byRound{1: 2000, 2: 1000, 3: 1000, 4: 77}
	b := byRound{1: 4000, 2: 2000, 3: 2000, 5: 99, 4: 0}
	if got := ratios(a, b); got != (Spread{0.5, 0.5, 0.5, 3}) {
		t.Fatalf("the ratios are %+v, want 0.5 in three rounds", got)
	}
}

func TestTimeLeft(t *testing.T) {
	closed, replay := Case{Kind: Closed}, Case{Kind: Replay}
	var c clock
	rest := []Step{{Case: closed, Side: ours}, {Case: closed, Side: raft}, {Case: replay, Side: raft}}
	if got := c.left(rest); got != "" {
		t.Fatalf("before the first step %q is left, want nothing", got)
	}
	c.took(Step{Case: closed, Side: ours}, 10*time.Second)
	c.took(Step{Case: closed, Side: raft}, 20*time.Second)
	if got, want := c.left(rest), "  (about 45s left)"; got != want { // 10, 20, and the mean of both
		t.Fatalf("%q is left, want %q", got, want)
	}
}

func TestUnits(t *testing.T) {
	for _, x := range []struct {
		unit  unit
		value float64
		want  string
	}{
		{perSecond, 1234567, "1,234,567"}, {perSecond, 999, "999"}, {count, -1234, "-1,234"},
		{milliseconds, 0.123, "0.12"}, {milliseconds, 57.34, "57.3"}, {microseconds, 194.4, "194"},
		{microseconds, 7.26, "7.3"}, {ratio, 1.087, "1.09"}, {megabytes, 12.34, "12.3"}, {megabytes, 295.2, "295"},
	} {
		if got := x.unit.text(x.value); got != x.want {
			t.Errorf("%v %s is written %q, want %q", x.value, x.unit, got, x.want)
		}
	}
}
