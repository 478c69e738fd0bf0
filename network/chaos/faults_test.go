package chaos

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	faults, err := Named([]string{"orderer*", "leader-kill"})
	if err != nil || len(faults) != 5 || faults[4].Name != "leader-kill" {
		t.Errorf("got %d faults, %v", len(faults), err)
	}
	if _, err := Named([]string{"broker-kil"}); err == nil || !strings.Contains(err.Error(), "broker-kill") {
		t.Errorf("a name that is not one: %v", err)
	}
	for _, f := range Faults {
		if f.Says == "" || f.do == nil {
			t.Errorf("%s does or says nothing", f.Name)
		}
	}
}

// Every fault is done once before any is done again, in an order that the seed decides.
func TestDraw(t *testing.T) {
	rounds := func(seed uint64) (names []string) {
		r := &run{Config: Config{Faults: Faults}, rng: rand.New(rand.NewPCG(seed, 1))}
		for range 2 * len(Faults) {
			names = append(names, r.draw().Name)
		}
		return names
	}
	drawn := rounds(1)
	for _, deck := range [][]string{drawn[:len(Faults)], drawn[len(Faults):]} {
		if !slices.Equal(slices.Sorted(slices.Values(deck)), slices.Sorted(slices.Values(Names()))) {
			t.Errorf("%v are not all faults", deck)
		}
	}
	if !slices.Equal(drawn, rounds(1)) || slices.Equal(drawn, rounds(2)) {
		t.Errorf("the seed does not decide: %v", drawn)
	}
}
