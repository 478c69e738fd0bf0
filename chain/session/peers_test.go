package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/status"
)

// The topic is created only once every other orderer has answered that it has no blocks.
func TestWhoMayCreateTheTopic(t *testing.T) {
	silent := session.Answer{From: "other:7050", Err: errors.New("connection refused")}
	for _, test := range []struct {
		name    string
		answers []session.Answer
		unasked error
		begin   bool
		says    string // empty: the topic is created
	}{
		{name: "nobody else"},
		{name: "nobody has blocks", answers: []session.Answer{{From: "other:7050", Height: 1}, {From: "third:7050"}}},
		{name: "one is silent", answers: []session.Answer{silent}, says: "have not answered whether they have ordered through it: other:7050"},
		{name: "nobody can be asked", unasked: errors.New("no TLS"), says: "other orderers cannot be asked whether they have ordered through it: no TLS"},
		{name: "one is silent, and the operator says begin", answers: []session.Answer{silent}, begin: true},
		{name: "nobody can be asked, and the operator says begin", unasked: errors.New("no TLS"), begin: true},
		{name: "one has blocks", answers: []session.Answer{{From: "other:7050", Height: 9}}, begin: true, says: "other:7050 has 9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.heights, r.unasked, r.settings.Begin = test.answers, test.unasked, test.begin
			r.restart()
			if test.says == "" {
				r.reads()
				return
			}
			r.ends(session.Await, test.says)
			if r.phase != status.Waiting || r.broker.Len(channelID) != 0 {
				t.Errorf("phase %d, %d records", r.phase, r.broker.Len(channelID))
			}
		})
	}
}

// Another orderer may just have created the topic. Blocks of other orderers stop the channel only once the topic has
// been missing for a while without interruption.
func TestBlocksOfOthersAreFinalAfterAWhile(t *testing.T) {
	r := newRig(t)
	ahead := []session.Answer{{From: "other:7050", Height: 9}}
	r.heights = ahead
	r.ends(session.Await)
	r.now += r.timeout - time.Second
	r.ends(session.Await)
	r.heights = []session.Answer{{From: "other:7050", Err: errors.New("connection refused")}}
	r.ends(session.Await)
	r.heights = ahead
	r.now += 2 * time.Second
	r.ends(session.Await)
	r.now += r.timeout
	r.ends(session.Stop, "it was deleted, or these are not the channel's brokers")
}

// Two orderers that start a channel in two clusters each write a block 1. The second compares its own
// with that of the first.
func TestBlock1IsThatOfTheOthers(t *testing.T) {
	ours := reading(t)
	for _, test := range []struct {
		name  string
		first *session.Block
		stops bool
	}{
		{"nobody has one", nil, false},
		{"the same", &ours.blocks[1], false},
		{"another", &session.Block{Number: 1, Envelopes: ours.blocks[1].Envelopes[:1]}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			r.reads()
			r.orders("a", "b")
			r.first = test.first
			if !test.stops {
				r.reads()
				r.holds("a b")
				return
			}
			r.ends(session.Stop, "block 1 of another orderer differs", "it has 1 envelopes, this one 2")
			r.holds("")
		})
	}
}
