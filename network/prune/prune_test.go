package prune

import (
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

var now = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)

func at(member string, next log.Offset, ago time.Duration) log.Progress {
	return log.Progress{Member: member, Next: next, Block: 7, At: now.Add(-ago)}
}

func options(known ...string) Options {
	return Options{Known: known, Keep: 100, MaxAge: 10 * time.Minute, Now: now}
}

func TestKeepsWhatTheSlowestNeeds(t *testing.T) {
	published := []log.Progress{at("a", 900, time.Second), at("b", 500, time.Minute), at("stranger", 700, 0)}
	for _, c := range []struct {
		start log.Offset
		keep  int64
		below log.Offset
	}{{0, 100, 400}, {0, 0, 500}, {0, 1000, 0}, {450, 100, 450}, {399, 100, 400}} {
		o := options("a", "b")
		o.Keep = c.keep
		p, err := Make(log.Bounds{Start: c.start, End: 1000}, published, o)
		if err != nil {
			t.Fatal(err)
		}
		if p.Below != c.below || p.Slowest.Member != "b" || p.Records() != int64(c.below-c.start) || len(p.Orderers) != 3 {
			t.Errorf("start %d, keep %d: %+v, want below %d", c.start, c.keep, p, c.below)
		}
	}
}

func TestAnOrdererThatIsGone(t *testing.T) {
	o := options("a", "b", "c")
	o.Without = []string{"b", "c"}
	p, err := Make(log.Bounds{End: 1000}, []log.Progress{at("a", 900, 0), at("b", 5, time.Hour)}, o)
	if err != nil || p.Below != 800 || len(p.Orderers) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Whatever is not certain is in the way, and all of it is said at once.
func TestRefuses(t *testing.T) {
	for says, c := range map[string]struct {
		published []log.Progress
		known     []string
	}{
		"b has published nothing":                          {[]log.Progress{at("a", 900, 0)}, []string{"a", "b"}},
		"b has published 11m0s ago that it is at offset 9": {[]log.Progress{at("a", 900, 0), at("b", 9, 11*time.Minute)}, []string{"a"}},
		"b has published -1h0m0s ago":                      {[]log.Progress{at("a", 900, 0), at("b", 9, -time.Hour)}, []string{"a"}},
		"a goes on at offset 1001, but the topic ends at":  {[]log.Progress{at("a", 1001, 0)}, []string{"a"}},
		"which its orderer has not committed":              {[]log.Progress{at("a", 900, 0), {Member: "b", Next: 999}}, []string{"a"}},
		"no orderer has published":                         {nil, nil},
		"a has published nothing":                          {nil, []string{"a", "b"}},
	} {
		p, err := Make(log.Bounds{End: 1000}, c.published, options(c.known...))
		if err == nil || !strings.Contains(err.Error(), says) || p.Below != 0 {
			t.Errorf("got %v, %+v, want it to say %q", err, p, says)
		}
		if len(c.published) == 0 && len(c.known) == 2 && !strings.Contains(err.Error(), "b has published nothing") {
			t.Errorf("%v: the second is not named", err)
		}
	}
}

// An operator's words are held against what is there.
func TestRefusesWhatCannotBeMeant(t *testing.T) {
	for says, change := range map[string]func(*Options){
		"-200 records to keep":               func(o *Options) { o.Keep = -200 },
		"b is named with --without, and has": func(o *Options) { o.Without = []string{"b"} },
		"2 of the channel's 3 orderers are":  func(o *Options) { o.Orderers = 3 },
	} {
		o := options("a")
		change(&o)
		p, err := Make(log.Bounds{End: 1000}, []log.Progress{at("a", 900, 0), at("b", 500, time.Minute)}, o)
		if err == nil || !strings.Contains(err.Error(), says) || p.Below != 0 {
			t.Errorf("got %v, %+v, want it to say %q", err, p, says)
		}
	}
	o := options("a")
	o.Orderers, o.Without = 3, []string{"c"} // b has published, c is gone
	if _, err := Make(log.Bounds{End: 1000}, []log.Progress{at("a", 900, 0), at("b", 500, time.Minute)}, o); err != nil {
		t.Error(err)
	}
}
