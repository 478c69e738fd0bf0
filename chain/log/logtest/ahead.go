package logtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/ahead"
)

// RunAhead runs what the suite requires of readers on readers whose records are taken ahead, as a channel
// reads them, and what package ahead requires of an implementation.
func RunAhead(t *testing.T, h Harness) {
	run(t, takingAhead{h}, []test{
		{"append and read", (*suite).appendAndRead},
		{"read positions", (*suite).readPositions},
		{"unusual values", (*suite).unusualValues},
		{"taken ahead", (*suite).takenAhead},
		{"a waiting read", (*suite).waitingRead},
		{"source of a waiting read", (*suite).waitingSource},
		{"many sessions", (*suite).soak},
		{"close", (*suite).closing},
		{"close under users", (*suite).closeUnderUsers},
		{"recreate", (*suite).recreate},
		{"recreate behind the reader", (*suite).recreateBehind},
		{"term", (*suite).term},
		{"new leader", (*suite).newLeader},
		{"new leader while waiting", (*suite).newLeaderWhileWaiting},
		{"outage", (*suite).outage},
	})
}

// takingAhead is a harness whose logs' readers take records ahead.
type takingAhead struct{ Harness }

func (h takingAhead) Open(t *testing.T, topic string, s log.Settings) log.Log {
	return aheadLog{h.Harness.Open(t, topic, s)}
}

type aheadLog struct{ log.Log }

func (l aheadLog) Read(ctx context.Context, from log.Offset) (log.Reader, error) {
	r, err := l.Log.Read(ctx, from)
	if err != nil {
		return nil, err
	}
	return ahead.Start(r, upper), nil
}

// upper is what the suite decodes values to.
func upper(r log.Record) any { return strings.ToUpper(string(r.Value)) }

// takenAhead: records are taken before they are asked for, and their source is then known.
func (s *suite) takenAhead() {
	l := s.created()
	s.appendAll(l, "a", "b", "c")
	id, err := s.identity(l)
	s.ok(err)
	r := s.read(l, 1)
	if at := s.read(l, 3).Taken(); at != 2 {
		s.Errorf("a reader at the end has taken offset %d, want that of the record before", at)
	}
	s.takes(r, 2)
	s.comesFrom(r, id.TopicID)
	for _, want := range []string{"B", "C"} {
		if got, err := r.Next(s.timeout()); err != nil || got.Decoded != want {
			s.Fatalf("decoded to %v, %v; want %s", got.Decoded, err, want)
		}
	}
	s.appendAll(l, "d")
	s.takes(r, 3)
	s.expect(r, 3, "d")
}

// takes waits until a reader has taken a record.
func (s *suite) takes(r log.Reader, last log.Offset) {
	s.Helper()
	for ctx := s.timeout(); r.Taken() != last; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			s.Fatalf("offset %d was taken last, want %d", r.Taken(), last)
		}
	}
}

// waitingSource: the source can be asked for while a Next waits.
func (s *suite) waitingSource() {
	l := s.created()
	s.appendAll(l, "a")
	id, err := s.identity(l)
	s.ok(err)
	r := s.read(l, 0)
	s.takes(r, 0)
	for range 20 {
		s.comesFrom(r, id.TopicID)
	}
	s.appendAll(l, "b")
	s.expect(r, 0, "a", "b")
}

// recreateBehind: an answer about the source holds for the records that were taken before it, whatever
// happens to the topic afterwards; none holds for the records of a topic that was recreated.
func (s *suite) recreateBehind() {
	l := s.created()
	s.appendAll(l, "a", "b")
	before, err := s.identity(l)
	s.ok(err)
	r := s.read(l, 0)
	s.takes(r, 1)
	s.comesFrom(r, before.TopicID)
	s.harness.Recreate(s.T, s.topic)
	s.appendAll(s.open(), "x", "y", "z")
	for at := log.Offset(0); ; at++ {
		got, err := r.Next(s.timeout())
		if err != nil {
			return // it has noticed
		}
		if at < 2 && string(got.Value) != []string{"a", "b"}[at] {
			s.Fatalf("got %q at offset %d, which was another record when its source was asked for", got.Value, at)
		}
		if at == 2 {
			if id, err := r.Source(s.timeout()); err == nil && id == before.TopicID {
				s.Fatalf("got %q from the topic that was deleted", got.Value)
			}
			return
		}
	}
}
