package prune

import (
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

var now = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)

// at returns what the orderer of that name has published.
func at(name string, next log.Offset, ago time.Duration) log.Progress {
	return log.Progress{Member: "fo." + name, Next: next, Block: 7, At: now.Add(-ago), Rules: "strict", ConfigSeq: 2, Config: "abc"}
}

// three returns a channel of three orderers of two organizations.
func three() Channel {
	return Channel{Name: "mine", ConfigSeq: 2, Config: "abc", Orgs: []Org{{"Org", []string{"a:7050", "b:7050"}}, {"Two", []string{"c:7050"}}}}
}

func named(names ...string) (all []Orderer) {
	for _, name := range names {
		all = append(all, Orderer{Name: name})
	}
	return all
}

func options() Options {
	return Options{Prefix: "fo", Orderers: named("Org.a", "Org.b", "Two.c"), Keep: 100, MaxAge: 10 * time.Minute, Now: now}
}

func all() []log.Progress {
	return []log.Progress{at("Org.a", 900, time.Second), at("Org.b", 500, time.Minute), at("Two.c", 700, 0)}
}

func TestKeepsWhatTheSlowestNeeds(t *testing.T) {
	for _, c := range []struct {
		start log.Offset
		keep  int64
		below log.Offset
	}{{0, 100, 400}, {0, 0, 500}, {0, 1000, 0}, {0, 1<<63 - 1, 0}, {450, 100, 450}, {399, 100, 400}, {600, 0, 600}} {
		o := options()
		o.Keep = c.keep
		p, err := Make(log.Bounds{Start: c.start, End: 1000}, all(), three(), o)
		if err != nil {
			t.Fatal(err)
		}
		if p.Below != c.below || p.Slowest.Member != "fo.Org.b" || p.Records() != int64(c.below-c.start) || len(p.Orderers) != 3 {
			t.Errorf("start %d, keep %d: %+v, want below %d", c.start, c.keep, p, c.below)
		}
	}
}

// An orderer that has ordered nothing yet needs every record.
func TestKeepsAllForAnOrdererWithoutBlocks(t *testing.T) {
	published := all()
	published[1].Next, published[1].Block, published[1].Rules = 0, 0, "undescribed"
	o := options()
	o.Keep = 0
	if p, err := Make(log.Bounds{End: 1000}, published, three(), o); err != nil || p.Records() != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// An orderer that is behind the config is no obstacle, as long as another one is at it.
func TestOneIsAtTheConfig(t *testing.T) {
	published := all()
	published[0].ConfigSeq, published[0].Config = 1, "older"
	if p, err := Make(log.Bounds{End: 1000}, published, three(), options()); err != nil || p.Below != 400 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAnOrdererThatIsGone(t *testing.T) {
	o := options()
	o.Without = []string{"Org.d"}
	p, err := Make(log.Bounds{End: 1000}, append(all(), at("Org.d", 5, time.Hour)), three(), o)
	if err != nil || p.Below != 400 || len(p.Orderers) != 3 {
		t.Errorf("%+v, %v", p, err)
	}
}

// situation is what an operator does and what has been published.
type situation struct {
	published []log.Progress
	channel   Channel
	options   Options
}

// Each of these leaves one thing without proof, and then nothing is deleted.
var unproven = map[string]func(*situation){
	"Two.c has published nothing for this channel": func(s *situation) { s.published = s.published[:2] },
	"--without Two.c: no member of exactly this name": func(s *situation) { // c was replaced by d, which has not published
		s.published, s.options.Orderers, s.options.Without = s.published[:2], named("Org.a", "Org.b"), []string{"Two.c"}
	},
	"organization Two of the channel config has no orderer named": func(s *situation) { // and so it was
		s.published, s.options.Orderers = s.published[:2], named("Org.a", "Org.b")
	},
	"address b:7050 of organization Org": func(s *situation) { // c was replaced by d of the same organization
		s.published, s.options.Orderers = []log.Progress{s.published[0], s.published[2]}, named("Org.a", "Two.c")
	},
	"--without Org.bb: no member of exactly this name":         func(s *situation) { s.options.Without = []string{"Org.bb"} },
	"--without org.b: no member of exactly this name":          func(s *situation) { s.options.Without = []string{"org.b"} },
	"--without fo.Org.b: no member of exactly this name":       func(s *situation) { s.options.Without = []string{"fo.Org.b"} },
	"--without : no member of exactly this name":               func(s *situation) { s.options.Without = []string{""} },
	"orderer Org.B has published nothing for this channel":     func(s *situation) { s.options.Orderers[1].Name = "Org.B" },
	"orderer Org.b has published for this channel and is not":  func(s *situation) { s.options.Orderers[1].Name = "Org.B" },
	"orderer Org.e has published for this channel and is not":  func(s *situation) { s.published = append(s.published, at("Org.e", 950, 0)) },
	"orderer Org.A has published for this channel and is not":  func(s *situation) { s.published = append(s.published, at("Org.A", 950, 0)) },
	"orderer Org.old has published for this channel and is no": func(s *situation) { s.published = append(s.published, at("Org.old", 5, 9000*time.Hour)) },
	"orderer Org.a is named twice: name each":                  func(s *situation) { s.options.Orderers = named("Org.a", "Org.a", "Org.b", "Two.c") },
	"orderer Org.b is named twice, or both":                    func(s *situation) { s.options.Without = []string{"Org.b"} },
	"orderer Org.d is named twice, or both": func(s *situation) {
		s.published, s.options.Without = append(s.published, at("Org.d", 5, time.Hour)), []string{"Org.d", "Org.d"}
	},
	"--without Org.d: it published 9m0s ago and is not gone": func(s *situation) {
		s.published, s.options.Without = append(s.published, at("Org.d", 5, 9*time.Minute)), []string{"Org.d"}
	},
	"--without Org.d: it published -1h0m0s ago and is not": func(s *situation) {
		s.published, s.options.Without = append(s.published, at("Org.d", 5, -time.Hour)), []string{"Org.d"}
	},
	"--without Org.d: nothing shows when it last published": func(s *situation) {
		s.published, s.options.Without = append(s.published, log.Progress{Member: "fo.Org.d", Next: 5}), []string{"Org.d"}
	},
	"Org.b published 11m0s ago that it was at offset 500":    func(s *situation) { s.published[1].At = now.Add(-11 * time.Minute) },
	"Org.b published -1h0m0s ago":                            func(s *situation) { s.published[1].At = now.Add(time.Hour) },
	"Org.b continues at offset 1001, but the topic ends at":  func(s *situation) { s.published[1].Next = 1001 },
	"Org.b continues at offset -1":                           func(s *situation) { s.published[1].Next = -1 },
	"Org.b: its group is at offset 500, which it has not":    func(s *situation) { s.published[1].At = time.Time{} },
	"Org.b reads by the compatible rules":                    func(s *situation) { s.published[1].Rules = "compatible" },
	"Org.b reads by the 3 rules":                             func(s *situation) { s.published[1].Rules = "3" },
	"Org.b does not publish by which rules":                  func(s *situation) { s.published[1].Rules = "" },
	"Org.b has read 500 records and knows no rules":          func(s *situation) { s.published[1].Rules = "undescribed" },
	"Org.b is at config sequence 3, and the config block is": func(s *situation) { s.published[1].ConfigSeq = 3 },
	"Org.b has another config of sequence 2 than the":        func(s *situation) { s.published[1].Config = "other" },
	"no orderer is at config sequence 3, which the config":   func(s *situation) { s.channel.ConfigSeq = 3 },
	"No orderer has published for this channel under":        func(s *situation) { s.published = nil },
	"no orderer is named: add each":                          func(s *situation) { s.options.Orderers = nil },
	"-200 records to keep":                                   func(s *situation) { s.options.Keep = -200 },
	"a maximal age of 0s":                                    func(s *situation) { s.options.MaxAge = 0 },
	"Org.a is of no orderer organization of the channel":     func(s *situation) { s.channel.Orgs = s.channel.Orgs[1:] },
	"address d:7050 of organization Two in the channel con": func(s *situation) {
		s.channel.Orgs[1].Addresses = append(s.channel.Orgs[1].Addresses, "d:7050")
	},
	"address a:7051 of organization Org in the channel con": func(s *situation) { // another orderer on the same machine
		s.channel.Orgs[0].Addresses = append(s.channel.Orgs[0].Addresses, "a:7051")
	},
	"address d:7050 in the channel config belongs to no": func(s *situation) { s.channel.Addresses = []string{"a:7050", "d:7050"} },
	"address c:7050 of organization Two in the channel": func(s *situation) {
		s.options.Orderers[0].Addresses = []string{"a:7050", "c:7050"}
		s.options.Orderers[2].Addresses = []string{"x"}
	},
	`the channel config has no address "b:7051" of its`:     func(s *situation) { s.options.Orderers[1].Addresses = []string{"b:7050", "b:7051"} },
	`Org.a: the channel config has no address "c:7050" of`:  func(s *situation) { s.options.Orderers[0].Addresses = []string{"a:7050", "c:7050"} },
	`organizations "Org" and "Org" cannot be distinguished`: func(s *situation) { s.channel.Orgs = append(s.channel.Orgs, s.channel.Orgs[0]) },
	`organizations "x/y" and "x_y" cannot be distinguished`: func(s *situation) { s.channel.Orgs = append(s.channel.Orgs, Org{MSPID: "x/y"}, Org{MSPID: "x_y"}) },
	"organization Two has no address of an orderer":         func(s *situation) { s.channel.Orgs[1].Addresses = nil },
	"organization Org.a of the channel config has no":       func(s *situation) { s.channel.Orgs = append(s.channel.Orgs, Org{MSPID: "Org.a"}) },
}

func TestDeletesNothingWithoutProof(t *testing.T) {
	for says, change := range unproven {
		s := situation{all(), three(), options()}
		change(&s)
		p, err := Make(log.Bounds{End: 1000}, s.published, s.channel, s.options)
		if err == nil || !strings.Contains(err.Error(), says) || p.Records() != 0 {
			t.Errorf("got %v, %+v, want it to say %q", err, p, says)
		}
	}
}

// An address belongs to the orderer that it was given to, whatever its host is.
func TestAddressesThatAreNoNames(t *testing.T) {
	c := three()
	c.Orgs[0].Addresses = []string{"10.0.0.1:7050", "orderers.example.com:7050", "a:7050"}
	c.Addresses = []string{"10.0.0.1:7050"}
	o := options()
	o.Orderers[0].Addresses = []string{"10.0.0.1:7050", "a:7050"}
	o.Orderers[1].Addresses = []string{"orderers.example.com:7050"}
	if p, err := Make(log.Bounds{End: 1000}, all(), c, o); err != nil || p.Below != 400 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Ids may contain dots and characters that group names cannot have: the longest id that matches is the orderer's.
func TestIDsWithDots(t *testing.T) {
	c := Channel{Orgs: []Org{{"Org", []string{"b:1"}}, {"Org.A", []string{"b:1"}}, {"Org.A/x", []string{"b:1"}}}, ConfigSeq: 2, Config: "abc"}
	o := options()
	o.Orderers = named("Org.b", "Org.A.b", "Org.A_x.b")
	published := []log.Progress{at("Org.b", 9, 0), at("Org.A.b", 8, 0), at("Org.A_x.b", 7, 0)}
	if p, err := Make(log.Bounds{End: 1000}, published, c, o); err != nil || p.Slowest.Next != 7 {
		t.Errorf("%+v, %v", p, err)
	}
}

// The refusal has all reasons at once, and lists who has published.
func TestARefusalHelps(t *testing.T) {
	o := options()
	o.Orderers = named("Org.a", "Org.x")
	o.Without = []string{"Org.y"}
	_, err := Make(log.Bounds{End: 1000}, all(), three(), o)
	if err == nil {
		t.Fatal("deletes")
	}
	for _, want := range []string{"orderer Org.x has published nothing", "--without Org.y: no member", "orderer Two.c has published for this channel and is not named: add --member Two.c",
		"Org.b 7 500 strict 1m0s ago"} {
		if !strings.Contains(strings.Join(strings.Fields(err.Error()), " "), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestParseOrderer(t *testing.T) {
	o, err := ParseOrderer("Org.a=x:1,y:2")
	if err != nil || o.Name != "Org.a" || len(o.Addresses) != 2 || o.Addresses[1] != "y:2" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, text := range []string{"", "a", ".a", "Org.", "Org.a=", "Org.a=x:1,", "=x:1"} {
		if o, err := ParseOrderer(text); err == nil {
			t.Errorf("%q: took it as %+v", text, o)
		}
	}
}

// Anybody may commit for a group with any characters in its name: none of them reaches a
// terminal, and the name as it is shown is the one to leave it out by.
func TestStrangeNamesAreQuoted(t *testing.T) {
	published := append(all(), at("Org.\x1b[2J", 500, time.Hour))
	_, err := Make(log.Bounds{End: 1000}, published, three(), options())
	if err == nil || strings.ContainsRune(err.Error(), 0x1b) || !strings.Contains(err.Error(), `"Org.\x1b[2J"`) {
		t.Errorf("got %q", err)
	}
	o := options()
	o.Without = []string{`"Org.\x1b[2J"`}
	if _, err := Make(log.Bounds{End: 1000}, published, three(), o); err != nil {
		t.Error(err)
	}
}

// Blocks that were read confirm what was published, or show that it is not the orderer's.
func TestWitnesses(t *testing.T) {
	hash := log.NewBlockHash(7, []byte("header"))
	witness := func(address string, height uint64, next log.Offset, hash log.BlockHash) Witness {
		w := Witness{Address: address, Height: height, Blocks: map[uint64]Block{}}
		if height > 7 {
			w.Blocks[7] = Block{Hash: hash, Next: next}
		}
		return w
	}
	refusal := func(all ...Witness) string {
		t.Helper()
		o := options()
		o.Orderers, o.Witnesses = named("Org.a"), all
		p := at("Org.a", 500, 0)
		p.Hashes = []log.BlockHash{hash}
		_, err := Make(log.Bounds{End: 1000}, []log.Progress{p}, Channel{Name: "mine", ConfigSeq: 2, Config: "abc", Orgs: []Org{{"Org", []string{"a:7050"}}}}, o)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	if got := refusal(witness("a:7050", 8, 500, hash), witness("elsewhere:7050", 3, 0, hash)); got != "" {
		t.Errorf("confirmed by itself: %s", got)
	}
	if got := refusal(witness("b:7050", 9, 500, hash)); got != "" {
		t.Errorf("confirmed by another: %s", got)
	}
	for says, all := range map[string][]Witness{
		"and has 7 blocks at a:7050":       {witness("a:7050", 7, 0, hash), witness("b:7050", 9, 500, hash)},
		"leads to offset 499":              {witness("b:7050", 9, 499, hash)},
		"the orderer at b:7050 has":        {witness("b:7050", 9, 500, log.NewBlockHash(7, []byte("other")))},
		"which none of the orderers asked": {witness("b:7050", 3, 0, hash)},
	} {
		if got := refusal(all...); !strings.Contains(got, says) {
			t.Errorf("got %q, want it to say %q", got, says)
		}
	}
}
