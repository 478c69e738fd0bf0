package logtest

import (
	"errors"

	"github.com/fabric-kafka/orderer/chain/log"
)

// newLeader: a reader returns no record of a leader that was elected after it was
// opened, and is unusable then; one opened afterwards continues. Several rounds, so
// that a former leader is elected again.
func (s *suite) newLeader() {
	const rounds = 4
	l := s.created()
	for i := range rounds {
		from := log.Offset(3 * i)
		r := s.read(l, from)
		s.appendAll(l, "a", "b")
		s.expect(r, from, "a")
		s.ok(r.Lapsed())
		s.harness.Elect(s.T, s.topic)
		s.appendAll(l, "c")
		s.meetsNewLeader(r, "b") // records of the old leader may still come
		s.meetsNewLeader(r)
		s.expect(s.read(l, from), from, "a", "b", "c")
	}
}

// meetsNewLeader reads until ErrNewLeader, and accepts only these values before it.
func (s *suite) meetsNewLeader(r log.Reader, before ...string) {
	s.Helper()
	ctx := s.timeout()
	for {
		record, err := r.Next(ctx)
		switch {
		case errors.Is(err, log.ErrNewLeader):
			s.fails(err, log.Retryable, log.ErrNewLeader)
			s.fails(r.Lapsed(), log.Retryable, log.ErrNewLeader)
			return
		case err == nil && len(before) > 0 && string(record.Value) == before[0]:
			before = before[1:]
		case err == nil || log.ClassOf(err) != log.Retryable || ctx.Err() != nil:
			s.Fatalf("got %d %q, %v; want a new leader", record.Offset, record.Value, err)
		}
	}
}

// newLeaderWhileWaiting: a waiting Next may notice the election by itself, or by the
// record that follows it.
func (s *suite) newLeaderWhileWaiting() {
	l := s.created()
	r := s.read(l, 0)
	ended := make(chan error)
	go func() {
		record, err := r.Next(s.timeout())
		if err == nil {
			err = errors.New("got " + string(record.Value))
		}
		ended <- err
	}()
	s.harness.Elect(s.T, s.topic)
	s.appendAll(l, "a")
	s.fails(<-ended, log.Retryable, log.ErrNewLeader)
	s.expect(s.read(l, 0), 0, "a")
}

// term: readers of one leader have the same term; a reader that was opened after an
// election has another term of the same topic.
func (s *suite) term() {
	l := s.created()
	s.appendAll(l, "a")
	id, err := s.identity(l)
	s.ok(err)
	first := s.read(l, 0)
	if t := first.Term(); !t.Known() || t.TopicID != id.TopicID || t != s.read(l, 1).Term() {
		s.Fatalf("terms %+v and %+v of topic %s", t, s.read(l, 1).Term(), id.TopicID)
	}
	s.expect(first, 0, "a")
	s.harness.Elect(s.T, s.topic)
	s.appendAll(l, "b")
	s.meetsNewLeader(first)
	second := s.read(l, 0)
	s.expect(second, 0, "a", "b")
	if t := second.Term(); !t.Known() || t.TopicID != id.TopicID || t.Epoch <= first.Term().Epoch {
		s.Fatalf("term %+v after %+v", t, first.Term())
	}
}
