package chaos

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

var (
	embedded = fabricnet.Options{}
	others   = fabricnet.Options{Brokers: []string{"kafka:9092"}}
	proxied  = fabricnet.Options{Apache: "4", BrokerCount: 3, Proxied: true}
)

func TestNamed(t *testing.T) {
	for _, c := range []struct {
		on    fabricnet.Options
		names string
		want  string // the faults, or what the error says
	}{
		{embedded, "leader-kill", "leader-kill"},
		{embedded, "orderer*,leader-kill", "orderer-kill,orderer-restart,orderer-stall,leader-kill"},
		{proxied, "orderer*", "orderer-kill,orderer-restart,orderer-stall,orderer-cut,orderer-half-open,orderer-slow"},
		{embedded, "orderer-kill,orderer-cut", "orderer-cut: it needs a proxy"},
		{embedded, "orderer-slo*", "orderer-slow: it needs a proxy"},
		{embedded, "leader-move", "leader-move: it needs three brokers"},
		{embedded, "orderer-disk-full", "orderer-disk-full: it needs a disk"},
		{embedded, "broker-kil", "broker-kill"},
		{others, "leader-kill", "leader-kill: it needs brokers of the network's own"},
		{others, "broker*", "it needs brokers of the network's own"},
		{others, "limit-low,orderer-kill", "limit-low,orderer-kill"},
	} {
		faults, err := Named(c.on, strings.Split(c.names, ","))
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v; want %s", c.names, err, c.want)
			}
			continue
		}
		var got []string
		for _, f := range faults {
			got = append(got, f.Name)
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: got %v, want %s", c.names, got, c.want)
		}
	}
}

func TestFaultsAreComplete(t *testing.T) {
	for i, f := range Faults {
		if f.Description == "" || f.do == nil || slices.Index(Names(), f.Name) != i {
			t.Errorf("%q does or says nothing, or is there twice", f.Name)
		}
	}
}

// Every fault is injected once before any is repeated, in an order that the seed decides.
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
