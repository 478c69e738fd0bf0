package logtest

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
)

// progress: everyone sees what each member published last for this topic.
func (s *suite) progress() {
	l := s.created()
	other := (&suite{s.T, s.harness, s.topic + "-other"}).created()
	s.appendAll(l, "a", "b", "c")
	prefix := s.topic + "."
	at := time.Date(2026, 11, 23, 21, 48, 5, 0, time.UTC)
	first := log.Progress{Member: prefix + "first", Next: 3, Block: 2, At: at}
	second := log.Progress{Member: prefix + "second", Next: 1, Block: 1, At: at.Add(time.Second), Rules: "strict", ConfigSeq: 4, Config: "0123456789abcdef",
		Hashes: []log.BlockHash{{Number: 1, Hash: "0123456789abcdef0123456789abcdef"}, {Number: 0, Hash: "fedcba98765432100123456789abcdef"}}}
	s.publishes(l, second, first)
	s.published(l, prefix, first, second)
	s.published(l, prefix+"f", first)
	s.published(l, prefix+"nobody")
	s.published(other, prefix)

	first.Next, first.Block = 0, 0 // its operator restored an old ledger
	s.publishes(l, first)
	s.publishes(other, second)
	s.published(l, prefix, first, second)
	s.published(other, prefix, second)
}

func (s *suite) publishes(l log.Log, all ...log.Progress) {
	s.Helper()
	for _, p := range all {
		s.ok(s.settles(func(ctx context.Context) error { return l.Publish(ctx, p) }))
	}
}

func (s *suite) published(l log.Log, prefix string, want ...log.Progress) {
	s.Helper()
	var got []log.Progress
	s.ok(s.settles(func(ctx context.Context) (err error) {
		got, err = l.Published(ctx, prefix)
		return err
	}))
	if !slices.EqualFunc(got, want, same) {
		s.Fatalf("published %v, want %v", got, want)
	}
}

func same(a, b log.Progress) bool { return reflect.DeepEqual(a, b) }
